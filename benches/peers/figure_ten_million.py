"""One question over ten million vectors, a process each: processor time, peak memory and recall@10, and what the question costs of
a million in the same run, taking turns. The file takes some 21 GB, and half an hour to build.
"""

import figure_million
import measure
import million
from dataset import QUERIES
from huedb import NAME

ROWS = 10 * million.ROWS
MEBIBYTE = 2**20


def run(bench):
    data, huedb = bench.data, bench.huedb
    files = {"million": million.file(bench), "ten million": million.file(bench, ROWS)}
    ask = {of: huedb.command(file, "query", NAME, "-n", "10", "--include", "distances") for of, file in files.items()}
    numbers = {of: iter(range(QUERIES)) for of in files}

    def one(of):
        return measure.process([*ask[of], "--embedding", data.vector_json(next(numbers[of]))])

    cost = measure.interleaved({of: (lambda of=of: one(of)) for of in files}, rounds=51)
    own, small = cost["ten million"], cost["million"]
    measure.report("ten-million", "one question, wall", own["wall"] * 1e3, "ms")
    measure.report("ten-million", "one question, cpu", own["cpu"] * 1e3, "ms", target=60, at_most=True)
    growth = own["cpu"] / small["cpu"]
    measure.report("ten-million", "one question, cpu", small["cpu"] * 1e3, "ms", "a million", growth, 3.5, at_most=True)
    measure.report("ten-million", "peak memory", own["peak"] / MEBIBYTE, "MiB", target=64, at_most=True)
    found = [
        figure_million.lists(bench.run([*ask["ten million"], "--embedding", data.vector_json(number)])[1])[0]
        for number in range(figure_million.ALONE)
    ]
    measure.report("ten-million", "recall@10, one by one", million.recall(bench, found, ROWS), "share", target=0.99)
