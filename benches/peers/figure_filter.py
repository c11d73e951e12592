"""Batches under a filter that keeps 1 % and 50 % of the records, on one core, against Chroma, whose client is open and warm.

huedb, a whole process, answers 1,000 questions. Chroma gets fewer, as it takes tens of milliseconds for each; the ratio is
of questions a second of processor time. The recall is against the exact neighbours among the records kept.
"""

import json

import measure
from dataset import ONE_PERCENT, QUERIES
from huedb import NAME, where

# Chroma's default, with which its unfiltered recall is .99.
CANDIDATES = "100"


def run(bench):
    for name, condition, asked, target in (("1 %", ONE_PERCENT, 50, 100), ("50 %", bench.data.half, 100, 60)):
        one(bench, name, condition, asked, target)


def one(bench, name, condition, asked, target):
    huedb, data = bench.huedb, bench.data
    key, operator, value = condition
    ask = ["query", NAME, "--input", data.queries_jsonl, "-n", "10", "--include", "distances", *where(condition)]
    ours = {"default": huedb.command(huedb.default(data), *ask), "with graph": huedb.command(huedb.graph(data), *ask)}
    chroma = bench.python("peer_chroma.py", "batch", bench.chroma(), data.path("queries.npy"), CANDIDATES, str(asked))
    chroma.append(json.dumps({key: {operator: value}}))
    calls = {own: (lambda command=command: bench.one_core(command)[0]["cpu"]) for own, command in ours.items()}
    calls["chromadb"] = lambda: bench.parsed(chroma)["seconds"]
    taken = measure.interleaved(calls)
    speed = asked / taken["chromadb"]
    for own, command in ours.items():
        rate = QUERIES / taken[own]
        recall = data.recall(bench.huedb_rows(bench.one_core(command)[1]), condition)
        measure.report("filter", f"keeps {name}, {own}", rate, "questions/s")
        measure.report("filter", f"keeps {name}, {own}", speed, "questions/s", "chromadb", rate / speed, target)
        measure.report("filter", f"keeps {name}, {own}: recall@10", recall, "share", target=1.0)
    recall = data.recall(bench.rows(bench.parsed(chroma)["ids"]), condition)
    measure.report("filter", f"keeps {name}: recall@10", recall, "share", "chromadb")
