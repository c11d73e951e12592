"""What the figures share: the data, the binary, and each peer's copy of the 100,000 records, built once and cached."""

import json
import os
import shutil
import sys
from functools import cached_property

import measure
from dataset import ROWS, Dataset
from huedb import Huedb

HERE = os.path.dirname(os.path.abspath(__file__))


class Bench:
    """One run."""

    def __init__(self, cache, binary):
        self.huedb = Huedb(binary)
        self.data = Dataset(cache, self.huedb.binary)

    def python(self, script, *arguments):
        """The command line of a peer's script."""
        return [sys.executable, os.path.join(HERE, script), *arguments]

    def sqlite_shell(self, vector):
        import peer_sqlite_vec

        return peer_sqlite_vec.shell(self.sqlite_vec(), vector)

    def chroma(self):
        """Built by a process of its own, as Chroma keeps the files open that are moved into place afterwards."""

        def build(path):
            measure.process(self.python("peer_chroma.py", "fill", path, self.data.base_jsonl, str(ROWS)))

        return self.built("chroma", build)

    def sqlite_vec(self):
        import peer_sqlite_vec

        blobs = (vector.tobytes() for vector in self.data.base)
        return self.built("sqlite-vec.db", lambda path: peer_sqlite_vec.fill(path, self.data.records, blobs))

    def lancedb(self):
        import peer_lancedb

        return self.built("lancedb", lambda path: peer_lancedb.fill(path, self.data.records, self.data.base))

    def duckdb(self):
        import peer_duckdb

        return self.built("glosses.duckdb", lambda path: peer_duckdb.fill(path, self.data.base_jsonl))

    def usearch(self, dtype):
        import peer_usearch

        return self.built(f"usearch-{dtype}.index", lambda path: peer_usearch.build(path, self.data.base, dtype))

    def hnswlib(self):
        import peer_hnswlib

        return self.built("hnswlib.index", lambda path: peer_hnswlib.build(path, self.data.base))

    def built(self, name, build):
        """The path of something cached, built when it is not there; a build that was cut short is done again."""
        path = self.data.path(name)
        if not os.path.exists(path):
            self.data.ensure()
            part = self.data.path("part-" + name)
            shutil.rmtree(part, ignore_errors=True)
            if os.path.isfile(part):
                os.remove(part)
            taken = measure.seconds(lambda: build(part))
            os.rename(part, path)
            measure.say(f"built {name} in {taken:.0f} s")
        return path

    def one_core(self, command):
        """Runs a command on one core: what it cost and what it printed."""
        return self.run([*measure.ONE_CORE, *command])

    def run(self, command):
        """Runs a command: what it cost and what it printed."""
        output = self.data.path("output.json")
        cost = measure.process(command, output)
        with open(output, encoding="utf-8") as printed:
            return cost, printed.read()

    def printed(self, command):
        """The JSON a command prints."""
        return json.loads(self.run(command)[1])

    def rows(self, lists):
        """Row numbers for lists of ids."""
        return [[self.numbers[id] for id in ids] for ids in lists]

    @cached_property
    def numbers(self):
        """The row number of each id."""
        return {record["id"]: number for number, record in enumerate(self.data.records)}

    def huedb_rows(self, printed):
        """The row numbers of each question's hits, from huedb's lines."""
        lists = {}
        for line in printed.splitlines():
            hit = json.loads(line)
            lists.setdefault(hit.get("query"), []).append(hit["id"])
        return self.rows(lists.values())

    def parsed(self, command):
        """The JSON a command prints, run on one core."""
        return json.loads(self.one_core(command)[1])
