"""One record added by a process of its own, its vector given, to 100,000 that are there; on copies, each time a new id."""

import itertools
import json
import os
import shutil
import tempfile

import measure
from huedb import NAME


def run(bench):
    data, huedb = bench.data, bench.huedb
    vectors = data.spare
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(dir=data.folder) as folder:
        file, chroma = os.path.join(folder, "add.redb"), os.path.join(folder, "chroma")
        shutil.copyfile(huedb.default(data), file)
        shutil.copytree(bench.chroma(), chroma)

        def record():
            number = next(numbers)
            vector = [float(str(component)) for component in vectors[number]]
            metadata = {"pos": "noun", "lexfile": 3, "offset": number}
            return {"id": f"new{number}", "document": "a gloss added alone", "embedding": vector, **metadata}, metadata

        def ours():
            new, metadata = record()
            arguments = ["--id", new["id"], "--document", new["document"], "--embedding", json.dumps(new["embedding"])]
            command = huedb.command(file, "add", NAME, *arguments, "--metadata", json.dumps(metadata))
            return measure.process(command)["wall"]

        def theirs():
            new, _ = record()
            return measure.process(bench.python("peer_chroma.py", "add", chroma, json.dumps(new)))["wall"]

        wall = measure.interleaved({"huedb": ours, "chromadb": theirs}, rounds=11)
    measure.report("add", "one record", wall["huedb"] * 1e3, "ms")
    ratio = wall["chromadb"] / wall["huedb"]
    measure.report("add", "one record", wall["chromadb"] * 1e3, "ms", "chromadb", ratio, 80)
