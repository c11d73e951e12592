"""One question over a million vectors: processor seconds against one reading of their i8 bytes and against LanceDB's IVF index,
whole processes at a recall of at least .99, peak memory, and recall@10.

The reading is numpy's sum over 384 MB of u64 that lie in memory, on one core, which the processor's speed does not limit.
"""

import time

import million
import measure
from dataset import DIMENSION, QUERIES
from huedb import NAME

# Questions asked by a process each, for the recall of what the planner chooses for one question.
ALONE = 50
# Partitions that LanceDB reads: the fewest of these that reach the recall.
PROBES = (20, 40, 80, 160, 320, 640)
RECALL = 0.99
MEBIBYTE = 2**20


def run(bench):
    import numpy

    data, huedb = bench.data, bench.huedb
    file = million.file(bench)
    ask = huedb.command(file, "query", NAME, "-n", "10", "--include", "distances")
    words = numpy.arange(million.ROWS * DIMENSION // 8, dtype=numpy.uint64)

    def reading():
        start = time.thread_time()
        words.sum()
        return time.thread_time() - start

    probes, recall_of_lance = tuned(bench)
    lance = lambda number: bench.python("peer_lancedb.py", "ivf", folder(bench), data.vector_json(number), str(probes))
    numbers = {name: iter(range(QUERIES)) for name in ("huedb", "lancedb")}
    calls = {
        "huedb": lambda: measure.process([*ask, "--embedding", data.vector_json(next(numbers["huedb"]))]),
        "lancedb": lambda: measure.process(lance(next(numbers["lancedb"]))),
        "memory": reading,
    }
    cost = measure.interleaved(calls, rounds=11)
    own, lance, memory = cost["huedb"], cost["lancedb"], cost["memory"]
    measure.report("million", "one question, wall", own["wall"] * 1e3, "ms")
    measure.report("million", "one question, cpu", own["cpu"] * 1e3, "ms", target=15, at_most=True)
    ratio = own["cpu"] / memory
    measure.report("million", "one question, cpu", memory * 1e3, "ms", "reading 384 MB", ratio, 2.5, at_most=True)
    ratio = lance["cpu"] / own["cpu"]
    measure.report("million", "one question, cpu", lance["cpu"] * 1e3, "ms", f"lancedb, {probes} probes", ratio, 10)
    measure.report("million", "one question, wall", lance["wall"] * 1e3, "ms", "lancedb", lance["wall"] / own["wall"])
    measure.report("million", "recall@10, one by one", recall_of_lance, "share", "lancedb")
    measure.report("million", "peak memory", own["peak"] / MEBIBYTE, "MiB", target=48, at_most=True)
    del words
    taken, printed = bench.one_core([*ask, "--input", data.queries_jsonl])
    measure.report("million", "1,000 questions, one core", QUERIES / taken["cpu"], "questions/s")
    measure.report("million", "recall@10, batch", million.recall(bench, lists(printed)), "share", target=0.99)
    alone = [lists(bench.run([*ask, "--embedding", data.vector_json(number)])[1])[0] for number in range(ALONE)]
    measure.report("million", "recall@10, one by one", million.recall(bench, alone), "share", target=0.995)


def folder(bench):
    """LanceDB's table and index."""
    import peer_lancedb

    return bench.built("lancedb-million", lambda path: peer_lancedb.fill_ivf(path, million.chunks(bench.data)))


def tuned(bench):
    """The fewest partitions that reach the recall, or the most there are; and the recall."""
    for probes in PROBES:
        command = bench.python("peer_lancedb.py", "ivf", folder(bench))
        asked = [bench.printed([*command, bench.data.vector_json(number), str(probes)]) for number in range(ALONE)]
        found = million.recall(bench, asked)
        if found >= RECALL:
            break
    return probes, found


def lists(printed):
    """The row numbers of each question's hits."""
    import json

    hits = {}
    for line in printed.splitlines():
        hit = json.loads(line)
        hits.setdefault(hit.get("query"), []).append(int(hit["id"]))
    return list(hits.values())
