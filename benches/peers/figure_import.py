"""Import of records whose vectors are given, in rows a second, each into a new file or folder.

huedb imports 100,000 records from lines of JSON, a whole process: as it does by default, which builds the graph, and with
`--index flat`. sqlite-vec inserts the same in one transaction. Chroma slows down as it fills and would take minutes, so it is
given the first 20,000 records in adds of 5,000, which flatters it. Both are timed from arrays in memory and from the same
lines, without the start of Python; each has its own ratio. DuckDB reads the lines itself; LanceDB is given arrays.
"""

import os
import shutil
import tempfile

import measure
from dataset import ROWS
from huedb import NAME

CHROMA_ROWS = 20_000
TARGETS = {"chromadb": 40, "sqlite-vec": 1.5}


def run(bench):
    import peer_duckdb
    import peer_lancedb
    import peer_sqlite_vec

    data, huedb = bench.data, bench.huedb
    blobs = [vector.tobytes() for vector in data.base]
    with tempfile.TemporaryDirectory(dir=data.folder) as folder:
        path = os.path.join(folder, "new")

        def fresh(rows, fill):
            clear(path)
            return rows / fill(path)

        def chroma(*arrays):
            command = ("fill", path, data.base_jsonl, str(CHROMA_ROWS), *arrays)
            return lambda path: bench.printed(bench.python("peer_chroma.py", *command))["seconds"]

        def timed(fill):
            return lambda path: measure.seconds(lambda: fill(path))

        def ours(index):
            command = huedb.command(path, "import", NAME, data.base_jsonl)

            def fill(path):
                huedb.run(path, "create", NAME, "--index", index)
                return measure.process(command)["wall"]

            return fill

        contenders = {
            "default": (ROWS, ours("auto")),
            "no graph": (ROWS, ours("flat")),
            "chromadb, arrays": (CHROMA_ROWS, chroma(data.path("base.npy"))),
            "chromadb, jsonl": (CHROMA_ROWS, chroma()),
            "sqlite-vec, arrays": (ROWS, timed(lambda path: peer_sqlite_vec.fill(path, data.records, blobs))),
            "sqlite-vec, jsonl": (ROWS, timed(lambda path: peer_sqlite_vec.fill_jsonl(path, data.base_jsonl))),
            "duckdb, jsonl": (ROWS, timed(lambda path: peer_duckdb.fill(path, data.base_jsonl))),
            "lancedb, arrays": (ROWS, timed(lambda path: peer_lancedb.fill(path, data.records, data.base))),
        }
        calls = {name: (lambda given=given: fresh(*given)) for name, given in contenders.items()}
        rates = measure.interleaved(calls, warm=False)
        clear(path)
    for own in ("default", "no graph"):
        measure.report("import", own, rates[own], "rows/s")
        for peer, rate in rates.items():
            if peer not in ("default", "no graph"):
                target = TARGETS.get(peer.split(",")[0])
                measure.report("import", own, rate, "rows/s", peer, rates[own] / rate, target)


def clear(path):
    shutil.rmtree(path, ignore_errors=True)
    for file in (path, path + "-journal", path + ".wal"):
        if os.path.isfile(file):
            os.remove(file)
