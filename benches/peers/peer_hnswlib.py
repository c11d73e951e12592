"""hnswlib's share: its own index of the same vectors, loaded before the clock starts.

`PYTHON peer_hnswlib.py batch INDEX QUERIES EF` searches on one thread and prints the processor seconds of the second of two calls.
"""

import json
import sys
import time

import hnswlib
import numpy

HITS = 10


def build(file, vectors):
    """The settings of huedb's own graph: 16 neighbours, 128 candidates."""
    index = hnswlib.Index(space="cosine", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), M=16, ef_construction=128)
    index.add_items(vectors)
    index.save_index(file)


def main():
    file, queries, ef = sys.argv[2], numpy.load(sys.argv[3]), int(sys.argv[4])
    index = hnswlib.Index(space="cosine", dim=queries.shape[1])
    index.load_index(file)
    index.set_ef(ef)
    index.knn_query(queries, k=HITS, num_threads=1)
    start = time.process_time()
    rows, _ = index.knn_query(queries, k=HITS, num_threads=1)
    taken = time.process_time() - start
    print(json.dumps({"seconds": taken, "rows": rows.astype(int).tolist()}))


if __name__ == "__main__":
    main()
