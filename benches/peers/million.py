"""Millions of vectors without documents, made from the real ones, and their exact neighbours; cached as `million.redb` and the like.

There are 116,659 real vectors that are no queries. They are taken once as they are, then over and over with seeded noise of
half their length, which keeps the shape of the cloud and makes no two rows alike. The rows are streamed into
`huedb import -` and compared with the queries on the way.
"""

import os
import subprocess

import numpy

from dataset import DIMENSION, HITS, tenth
from huedb import NAME

ROWS = 1_000_000
CHUNK = 20_000
NOISE = 0.5
SEED = 12


def file(bench, count=ROWS):
    """The huedb file, with what the command builds by default."""
    return bench.huedb.built(bench.data, f"{name(count)}.redb", lambda path: build(bench, path, count))


def name(count):
    return "million" if count == ROWS else f"million-{count // ROWS}"


def truth(bench, count=ROWS):
    """For each query the similarity of its tenth neighbour."""
    path = bench.data.path(f"truth-{name(count)}.npy")
    if not os.path.exists(path):
        numpy.save(path, tenth(bench.data.queries, chunks(bench.data, count)))
    return numpy.load(path)


def chunks(data, count=ROWS):
    """The rows in order, some at a time."""
    real = numpy.vstack([data.base, data.spare])
    for first in range(0, count, CHUNK):
        yield rows(real, numpy.arange(first, min(first + CHUNK, count)), first)


def rows(real, numbers, first):
    vectors = real[numbers % len(real)]
    generator = numpy.random.default_rng((SEED, first))
    noise = generator.standard_normal((len(numbers), DIMENSION), dtype=numpy.float32) * (NOISE / DIMENSION**0.5)
    vectors = vectors + noise * (numbers >= len(real))[:, None]
    return (vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)).astype(numpy.float32)


def build(bench, path, count):
    """Streams the rows into huedb as lines of JSON."""
    import orjson

    bench.huedb.create(path, "--no-model")
    command = bench.huedb.command(path, "import", NAME, "-", "--format", "jsonl")
    importing = subprocess.Popen(command, stdin=subprocess.PIPE)
    number = 0
    for vectors in chunks(bench.data, count):
        for vector in vectors:
            line = orjson.dumps({"id": str(number), "embedding": vector}, option=orjson.OPT_SERIALIZE_NUMPY)
            importing.stdin.write(line + b"\n")
            number += 1
    importing.stdin.close()
    if importing.wait():
        raise RuntimeError("huedb import failed")


def recall(bench, lists, count=ROWS):
    """Share of hits at least as near as the exact tenth neighbour; lists hold row numbers, one for each first query."""
    limits, queries = truth(bench, count), bench.data.queries
    wanted = {}
    for query, hits in enumerate(lists):
        for hit in set(hits):
            wanted.setdefault(hit // CHUNK, []).append((query, hit % CHUNK))
    good = 0
    for chunk, vectors in enumerate(chunks(bench.data, count)):
        for query, row in wanted.get(chunk, []):
            good += int(vectors[row] @ queries[query] >= limits[query] - 1e-6)
    return good / (HITS * len(lists))
