"""USearch's share: its own index of the same vectors, loaded before the clock starts.

`PYTHON peer_usearch.py batch INDEX QUERIES EF` searches on one thread and prints the processor seconds of the second of two calls.
"""

import json
import sys
import time

import numpy
from usearch.index import Index

HITS = 10


def build(file, vectors, dtype):
    """The settings of huedb's own graph: 16 neighbours, 128 candidates."""
    index = Index(ndim=vectors.shape[1], metric="cos", dtype=dtype, connectivity=16, expansion_add=128)
    index.add(numpy.arange(len(vectors)), vectors)
    index.save(file)


def main():
    file, queries, ef = sys.argv[2], numpy.load(sys.argv[3]), int(sys.argv[4])
    index = Index.restore(file)
    index.expansion_search = ef
    index.search(queries, HITS, threads=1)
    start = time.process_time()
    found = index.search(queries, HITS, threads=1)
    taken = time.process_time() - start
    print(json.dumps({"seconds": taken, "rows": found.keys.astype(int).tolist()}))


if __name__ == "__main__":
    main()
