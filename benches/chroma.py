"""Import of short texts: huedb against Chroma's default embedding function, in the same run.

Usage: PYTHON benches/chroma.py HUEDB DATA, where PYTHON has chromadb with its model in place and DATA holds corpus.jsonl.
Chroma is asked to embed and add, huedb to import; both persist to disk. Prints JSON lines.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import chromadb
from chromadb.utils.embedding_functions import DefaultEmbeddingFunction

# Chroma embeds about 11 texts a second, so it is given fewer; the ratio is of texts a second.
HUEDB_TEXTS = 2000
CHROMA_TEXTS = 160
WORDS = 12


def short_texts(data):
    with open(os.path.join(data, "corpus.jsonl"), encoding="utf-8") as corpus:
        documents = [json.loads(line)["text"].split() for line in corpus]
    return [" ".join(words[:WORDS]) for words in documents if len(words) >= WORDS]


def huedb_rate(huedb, texts, folder):
    rows = os.path.join(folder, "texts.jsonl")
    with open(rows, "w", encoding="utf-8") as out:
        for number, text in enumerate(texts):
            out.write(json.dumps({"id": str(number), "document": text}) + "\n")
    environment = dict(os.environ, HUEDB_FILE=os.path.join(folder, "bench.redb"))
    subprocess.run([huedb, "create", "bench", "--quiet"], env=environment, check=True)
    start = time.perf_counter()
    subprocess.run([huedb, "import", "bench", rows, "--quiet"], env=environment, check=True)
    return len(texts) / (time.perf_counter() - start)


def chroma_rate(texts, folder):
    collection = chromadb.PersistentClient(folder).create_collection(
        "bench", embedding_function=DefaultEmbeddingFunction()
    )
    collection.add(ids=["warm"], documents=["the model is loaded before the clock starts"])
    start = time.perf_counter()
    collection.add(ids=[str(number) for number in range(len(texts))], documents=texts)
    return len(texts) / (time.perf_counter() - start)


def main():
    huedb, data = os.path.abspath(sys.argv[1]), sys.argv[2]
    texts = short_texts(data)
    rates = {"huedb": [], "chroma": []}
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            rates["huedb"].append(huedb_rate(huedb, texts[:HUEDB_TEXTS], folder))
            rates["chroma"].append(chroma_rate(texts[:CHROMA_TEXTS], os.path.join(folder, "chroma")))
    median = {name: sorted(values)[1] for name, values in rates.items()}
    for name, value in median.items():
        print(json.dumps({"bench": "import", "figure": f"{name}_texts_per_second", "value": value}))
    print(json.dumps({"bench": "import", "figure": "ratio", "value": median["huedb"] / median["chroma"]}))


main()
