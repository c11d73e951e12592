"""Import of records whose vectors are given, in rows a second, each into a new file or folder.

huedb imports 100,000 records, a whole process: from lines of JSON, and from lines whose vectors are base64 of f32, which is
what a program that has arrays would write. sqlite-vec inserts the same in one transaction. Chroma slows down as it fills and
would take minutes, so it is given the first 20,000 records in adds of 5,000, which flatters it. Both are timed from arrays in
memory and from the same lines, without the start of Python; arrays are set against base64 (which huedb still has to parse),
lines against lines. DuckDB reads the lines itself; LanceDB is given arrays.
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

        def ours(lines):
            command = huedb.command(path, "import", NAME, lines)

            def fill(path):
                huedb.run(path, "create", NAME)
                return measure.process(command)["wall"]

            return fill

        contenders = {
            "arrays": (ROWS, ours(data.base64_jsonl)),
            "jsonl": (ROWS, ours(data.base_jsonl)),
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
    for own in ("arrays", "jsonl"):
        measure.report("import", own, rates[own], "rows/s")
        for peer, rate in rates.items():
            name, _, given = peer.partition(", ")
            if given == own:
                measure.report("import", own, rate, "rows/s", name, rates[own] / rate, TARGETS.get(name))


def clear(path):
    shutil.rmtree(path, ignore_errors=True)
    for file in (path, path + "-journal", path + ".wal"):
        if os.path.isfile(file):
            os.remove(file)
