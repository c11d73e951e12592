"""huedb's share: the command under test and the files it is asked in, built once and cached.

`default` holds the 100,000 records as an import makes it, `graph` the same with `huedb index build`. A file older than the
binary is made anew, as another binary may write another file; with HUEDB_BENCH_KEEP set it is kept.
"""

import os
import shutil
import subprocess

import measure

NAME = "glosses"


class Huedb:
    """One binary."""

    def __init__(self, binary):
        self.binary = os.path.abspath(binary)

    def command(self, file, *arguments):
        return [self.binary, "--db", file, "--quiet", *arguments]

    def run(self, file, *arguments, **options):
        return subprocess.run(self.command(file, *arguments), check=True, **options)

    def default(self, data):
        """The file as an import makes it."""
        return self.built(data, "default.redb", lambda path: self.fill(path, data.base_jsonl))

    def graph(self, data):
        """The file with a graph."""

        def build(path):
            self.fill(path, data.base_jsonl)
            self.run(path, "index", "build", NAME)

        return self.built(data, "graph.redb", build)

    def compacted(self, data):
        """The file after `huedb compact`."""

        def build(path):
            shutil.copyfile(self.default(data), path)
            self.run(path, "compact")

        return self.built(data, "compacted.redb", build)

    def built(self, data, name, build):
        """The path of a cached file, built when it is not there or older than the binary."""
        path = data.path(name)
        if os.path.exists(path):
            if "HUEDB_BENCH_KEEP" in os.environ or os.path.getmtime(path) >= os.path.getmtime(self.binary):
                return path
        data.ensure()
        taken = measure.seconds(lambda: build(path + ".part"))
        os.rename(path + ".part", path)
        measure.say(f"built {name} in {taken:.0f} s")
        return path

    def create(self, file, *options):
        """Makes a file with an empty collection, in place of one that is there."""
        if os.path.exists(file):
            os.remove(file)
        self.run(file, "create", NAME, *options)

    def fill(self, file, jsonl):
        """Makes a file of the records."""
        self.create(file)
        self.run(file, "import", NAME, jsonl)


def where(condition):
    """The condition in huedb's short form."""
    key, operator, value = condition
    return ["--where", f"{key} {'=' if operator == '$eq' else '<'} {value}"]
