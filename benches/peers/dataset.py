"""The vectors every figure uses, made once and cached: 100,000 records, 1,000 held-out queries and their exact neighbours.

The embeddings are huedb's own (its built-in all-MiniLM-L6-v2), taken out with `huedb export`; all peers are given the same
numbers. The neighbours are exact: f32 products with numpy over every row. The first caller makes a file, later ones read it.
"""

import base64
import json
import os
import subprocess
from functools import cached_property

import numpy

import corpus

ROWS = 100_000
QUERIES = 1_000
DIMENSION = 384
HITS = 10
# The lexicographer's file of quantities, which holds 1.1 % of the glosses; half of them lie before the median offset.
ONE_PERCENT = ("lexfile", "$eq", 23)


class Dataset:
    """The files of one cache folder."""

    def __init__(self, folder, huedb):
        self.folder = os.path.abspath(folder)
        self.huedb = huedb
        os.makedirs(self.folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    @property
    def base_jsonl(self):
        """The 100,000 records with their embeddings, as `huedb export` writes them but flat, one column a field."""
        self.ensure()
        return self.path("base.jsonl")

    @property
    def base64_jsonl(self):
        """The same records with their embeddings as base64 of little-endian f32."""
        path = self.path("base64.jsonl")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as out:
                for record, vector in zip(self.records, self.base):
                    embedding = base64.b64encode(vector.astype("<f4").tobytes()).decode()
                    out.write(json.dumps({**record, "embedding": embedding}) + "\n")
        return path

    @property
    def queries_jsonl(self):
        """The 1,000 queries as embeddings, for `huedb query --input`."""
        self.ensure()
        return self.path("queries.jsonl")

    @cached_property
    def base(self):
        self.ensure()
        return numpy.load(self.path("base.npy"))

    @cached_property
    def queries(self):
        self.ensure()
        return numpy.load(self.path("queries.npy"))

    @cached_property
    def spare(self):
        """The held-out vectors that are no queries."""
        self.ensure()
        return numpy.load(self.path("spare.npy"))

    @cached_property
    def records(self):
        """The 100,000 records without embeddings, in the order of `base`."""
        return corpus.glosses()[:ROWS]

    @cached_property
    def query_texts(self):
        return [record["document"] for record in corpus.glosses()[ROWS : ROWS + QUERIES]]

    @cached_property
    def half(self):
        """The condition that keeps half of the records."""
        offsets = sorted(record["offset"] for record in self.records)
        return ("offset", "$lt", offsets[ROWS // 2])

    def kept(self, condition):
        """Which rows a condition keeps, as a mask."""
        key, operator, value = condition
        values = numpy.array([record[key] for record in self.records])
        return values == value if operator == "$eq" else values < value

    def truth(self, condition=None):
        """For each query the similarity of its tenth neighbour among the rows kept, exact."""
        name = self.path("truth.npy" if condition is None else f"truth-{condition[0]}.npy")
        if not os.path.exists(name):
            rows = self.base if condition is None else self.base[self.kept(condition)]
            numpy.save(name, tenth(self.queries, [rows]))
        return numpy.load(name)

    def recall(self, lists, condition=None, queries=None):
        """Share of the hits that are at least as near as the exact tenth neighbour; lists hold row numbers.

        Similarities are compared, not ids, so that one of two equal glosses is as good as the other. The lists are those of
        the first queries unless their numbers are given.
        """
        limits = self.truth(condition)
        kept = None if condition is None else self.kept(condition)
        good = 0
        for query, rows in zip(range(len(lists)) if queries is None else queries, lists):
            rows = numpy.unique(numpy.array(rows, dtype=int))
            near = self.base[rows] @ self.queries[query] >= limits[query] - 1e-6
            good += int((near if kept is None else near & kept[rows]).sum())
        return good / (HITS * len(lists))

    def vector_json(self, number):
        """A query as a JSON array."""
        return json.dumps(shortest(self.queries[number]))

    def ensure(self):
        """Makes what is not there."""
        if all(os.path.exists(self.path(f)) for f in ("base.jsonl", "queries.jsonl", "base.npy", "queries.npy", "spare.npy")):
            return
        records = corpus.glosses()
        embedded = self._embed(records)
        vectors = numpy.empty((len(records), DIMENSION), dtype=numpy.float32)
        for number, record in enumerate(records):
            vectors[number] = embedded.pop(record["id"])
        numpy.save(self.path("spare.npy"), vectors[ROWS + QUERIES :])
        numpy.save(self.path("queries.npy"), vectors[ROWS : ROWS + QUERIES])
        with open(self.path("queries.jsonl"), "w", encoding="utf-8") as out:
            for number in range(ROWS, ROWS + QUERIES):
                out.write(json.dumps({"id": str(number - ROWS), "embedding": shortest(vectors[number])}) + "\n")
        with open(self.path("base.jsonl"), "w", encoding="utf-8") as out:
            for number in range(ROWS):
                out.write(json.dumps({**records[number], "embedding": shortest(vectors[number])}) + "\n")
        numpy.save(self.path("base.npy"), vectors[:ROWS])

    def _embed(self, records):
        """The embedding of each id, by way of a huedb file."""
        file, texts = self.path("embed.redb"), self.path("documents.jsonl")
        with open(texts, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(record) + "\n" for record in records)
        huedb = [self.huedb, "--db", file, "--quiet"]
        subprocess.run([*huedb, "create", "glosses", "--get-or-create", "--index", "flat"], check=True)
        subprocess.run([*huedb, "import", "glosses", texts], check=True)
        export = subprocess.Popen([*huedb, "export", "glosses", "-o", "jsonl"], stdout=subprocess.PIPE)
        embedded = {}
        for line in export.stdout:
            record = json.loads(line)
            embedded[record["id"]] = numpy.array(record["embedding"], dtype=numpy.float32)
        if export.wait():
            raise RuntimeError("huedb export failed")
        return embedded


def shortest(vector):
    """The components with no more digits than f32 needs."""
    return [float(str(component)) for component in vector]


def tenth(queries, chunks):
    """For each query the similarity of its tenth neighbour over all chunks of rows."""
    best = numpy.full((len(queries), HITS), -2, dtype=numpy.float32)
    for rows in chunks:
        similarity = queries @ rows.T
        near = numpy.partition(similarity, -HITS, axis=1)[:, -HITS:]
        best = numpy.partition(numpy.hstack([best, near]), -HITS, axis=1)[:, -HITS:]
    return best.min(axis=1)
