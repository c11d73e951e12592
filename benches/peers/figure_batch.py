"""1,000 questions at once on one core, ten hits each with distances, at a recall@10 of at least .99.

huedb is a whole process: it starts, opens the file, parses the questions as JSON and prints the hits. The peers are warm:
Chroma's client is open, the indexes of USearch and hnswlib are in memory, and only the call that searches is timed, with
arrays in and arrays out. For Chroma a whole process that asks once is measured as well. Each peer searches with the smallest
number of candidates that reaches the recall. On one core a second of processor time is a second, but for other programs that
want the core, so processor time is what is counted.
"""

import json

import measure
from dataset import QUERIES
from huedb import NAME

RECALL = 0.99
CANDIDATES = (64, 80, 96, 112, 128, 160, 192, 256, 384)


def run(bench):
    huedb, data = bench.huedb, bench.data
    ask = ["query", NAME, "--input", data.queries_jsonl, "-n", "10", "--include", "distances"]
    ours = {"default": huedb.command(huedb.default(data), *ask), "with graph": huedb.command(huedb.graph(data), *ask)}
    npy = data.path("queries.npy")
    peers = {
        "chromadb": lambda ef: bench.python("peer_chroma.py", "batch", bench.chroma(), npy, str(ef), str(QUERIES)),
        "usearch": lambda ef: bench.python("peer_usearch.py", "batch", bench.usearch("f32"), npy, str(ef)),
        "usearch bf16": lambda ef: bench.python("peer_usearch.py", "batch", bench.usearch("bf16"), npy, str(ef)),
        "hnswlib": lambda ef: bench.python("peer_hnswlib.py", "batch", bench.hnswlib(), npy, str(ef)),
    }
    recalls, calls = {}, {}
    for name, command in peers.items():
        asked, recalls[name] = tuned(bench, command)
        calls[name] = lambda asked=asked: bench.parsed(asked)["seconds"]
        if name == "chromadb":
            once = ["batch-once" if word == "batch" else word for word in asked]
            calls["chromadb, process"] = lambda once=once: bench.one_core(once)[0]["cpu"]
    for name, command in ours.items():
        recalls[name] = bench.data.recall(bench.huedb_rows(bench.one_core(command)[1]))
        calls[name] = lambda command=command: bench.one_core(command)[0]["cpu"]
    taken = measure.interleaved(calls)
    for own in ours:
        measure.report("batch", f"1,000 questions, {own}", QUERIES / taken[own], "questions/s")
        measure.report("batch", f"recall@10, {own}", recalls[own], "share", target=RECALL)
        for peer, target in {"chromadb": None, "chromadb, process": 3, "usearch": 1, "usearch bf16": None, "hnswlib": None}.items():
            speed, ratio = QUERIES / taken[peer], taken[peer] / taken[own]
            measure.report("batch", f"1,000 questions, {own}", speed, "questions/s", peer, ratio, target)
    for peer in peers:
        measure.report("batch", "recall@10", recalls[peer], "share", peer)


def tuned(bench, command):
    """The command with the fewest candidates that reach the recall, or with the most there are; and its recall."""
    for ef in CANDIDATES:
        asked = command(ef)
        found = bench.parsed(asked)
        recall = bench.data.recall(found["rows"] if "rows" in found else bench.rows(found["ids"]))
        if recall >= RECALL:
            break
    measure.say(json.dumps({"command": asked[1:3], "candidates": ef, "recall": recall}))
    return asked, recall
