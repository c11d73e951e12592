"""Chroma's share, each verb a process of its own: `PYTHON peer_chroma.py VERB FOLDER ...`.

query-vector FOLDER VECTOR, query-text FOLDER TEXT, add FOLDER RECORD and batch-once FOLDER NPY EF QUESTIONS are timed whole;
fill FOLDER JSONL ROWS [NPY] and batch FOLDER NPY EF QUESTIONS [WHERE] time themselves and print the seconds, without
Python's start. It imports nothing it does not need, so its start costs no more than a user's own script would.
"""

import itertools
import json
import sys
import time

import chromadb

NAME = "glosses"
METADATA = ("pos", "lexfile", "offset")
# Of the round numbers the largest below Chroma's own limit of 5,461 records an add.
BATCH = 5_000


def client(folder):
    return chromadb.PersistentClient(folder, settings=chromadb.Settings(anonymized_telemetry=False))


def add(collection, records, vectors):
    collection.add(
        ids=[record["id"] for record in records],
        documents=[record["document"] for record in records],
        metadatas=[{key: record[key] for key in METADATA} for record in records],
        embeddings=vectors,
    )


def fill(folder, jsonl, rows, npy=None):
    """Adds the first rows of a file of lines; with an array, lines and vectors are in memory before the clock starts."""
    collection = client(folder).create_collection(NAME, configuration={"hnsw": {"space": "cosine"}})
    with open(jsonl, encoding="utf-8") as file:
        lines = itertools.islice(file, int(rows))
        if npy:
            import numpy

            records, vectors = [json.loads(line) for line in lines], numpy.load(npy)
            start = time.perf_counter()
            for first in range(0, len(records), BATCH):
                add(collection, records[first : first + BATCH], vectors[first : min(first + BATCH, len(records))])
        else:
            start = time.perf_counter()
            while records := [json.loads(line) for line in itertools.islice(lines, BATCH)]:
                add(collection, records, [record["embedding"] for record in records])
    return {"seconds": time.perf_counter() - start}


def batch(folder, npy, ef, questions, where="null"):
    """Asks once to warm up, then counting processor seconds."""
    collection = client(folder).get_collection(NAME)
    collection.modify(configuration={"hnsw": {"ef_search": int(ef)}})
    asked = batch_of(npy, questions, where)
    collection.query(**asked)
    start = time.process_time()
    found = collection.query(**asked)
    return {"seconds": time.process_time() - start, "ids": found["ids"]}


def batch_once(folder, npy, _ef, questions):
    """Asks once, as a script with one batch would; the candidates are those that `batch` has set in the folder."""
    return client(folder).get_collection(NAME).query(**batch_of(npy, questions, "null"))


def batch_of(npy, questions, where):
    import numpy

    vectors = numpy.load(npy)[: int(questions)]
    return {"query_embeddings": vectors, "n_results": 10, "include": ["distances"], "where": json.loads(where)}


def query(folder, **question):
    return client(folder).get_collection(NAME).query(n_results=10, **question)


def main():
    verb, folder, *rest = sys.argv[1:]
    if verb == "query-vector":
        result = query(folder, query_embeddings=[json.loads(rest[0])])
    elif verb == "query-text":
        result = query(folder, query_texts=[rest[0]])
    elif verb == "add":
        record = json.loads(rest[0])
        result = add(client(folder).get_collection(NAME), [record], [record["embedding"]])
    elif verb == "fill":
        result = fill(folder, *rest)
    elif verb == "batch":
        result = batch(folder, *rest)
    elif verb == "batch-once":
        result = batch_once(folder, *rest)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
