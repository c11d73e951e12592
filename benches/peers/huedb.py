"""huedb's share: the command under test and the files it is asked in, built once and cached.

`flat` holds the 100,000 records without a graph, `graph` the same with one; both are built by the command itself.
"""

import os
import subprocess

NAME = "glosses"


class Huedb:
    """One binary."""

    def __init__(self, binary):
        self.binary = os.path.abspath(binary)

    def command(self, file, *arguments):
        return [self.binary, "--db", file, "--quiet", *arguments]

    def run(self, file, *arguments, **options):
        return subprocess.run(self.command(file, *arguments), check=True, **options)

    def flat(self, data):
        """The file without a graph."""
        file = data.path("flat.redb")
        if not os.path.exists(file):
            self.fill(file + ".part", data.base_jsonl)
            os.rename(file + ".part", file)
        return file

    def graph(self, data):
        """The file with a graph."""
        file = data.path("graph.redb")
        if not os.path.exists(file):
            self.fill(file + ".part", data.base_jsonl)
            self.run(file + ".part", "index", "build", NAME)
            os.rename(file + ".part", file)
        return file

    def fill(self, file, jsonl, index="flat"):
        """Creates a file and imports the records."""
        if os.path.exists(file):
            os.remove(file)
        self.run(file, "create", NAME, "--index", index)
        self.run(file, "import", NAME, jsonl)

    def batch(self, file, queries, *arguments):
        """The command line of a batch."""
        return self.command(file, "query", NAME, "--input", queries, "-n", "10", *arguments)


def where(condition):
    """The condition in huedb's short form."""
    key, operator, value = condition
    return ["--where", f"{key} {'=' if operator == '$eq' else '<'} {value}"]
