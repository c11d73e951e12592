"""How well meaning, words and both together rank: `python3 benches/fusion.py FOLDER [HUEDB]`.

FOLDER holds corpus.jsonl, queries.jsonl and qrels.tsv, as benches/judged.py makes them. Prints nDCG@10 of the embeddings,
of BM25, of reciprocal rank fusion and of each weight of meaning in the sum of normalised scores, a JSON line each; then
that of `query --hybrid` itself, which must be that of the weight it has. Needs numpy.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HITS = 10
WEIGHTS = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
RRF_DEPTH, RRF_K = 100, 60


def main(folder, binary="target/release/huedb"):
    with tempfile.TemporaryDirectory() as place:
        huedb = Huedb(binary, os.path.join(place, "fusion.redb"))
        file = lambda name: os.path.join(folder, name)
        for name, source in (("documents", "corpus.jsonl"), ("questions", "queries.jsonl")):
            huedb.run("create", name, "--hybrid", "--quiet")
            huedb.run("import", name, file(source), "--document", "text", "--quiet")
        documents, questions = huedb.records("documents"), huedb.records("questions")
        relevant = judgements(file("qrels.tsv"), documents, questions)
        cosines = unit(questions) @ unit(documents).T
        bm25 = huedb.words([question["document"] for question in questions], documents)
        fused = huedb.run("query", "documents", "--hybrid", "--input", file("queries.jsonl"), "-n", str(HITS), "-o", "jsonl")
    say("embeddings", ndcg(cosines, relevant))
    say("bm25", ndcg(bm25, relevant))
    say("rrf", ndcg(rrf(cosines) + rrf(bm25), relevant))
    best = bm25.max(axis=1, keepdims=True)
    words = bm25 / np.where(best > 0, best, 1)
    meaning = (1 + cosines) / (1 + cosines.max(axis=1, keepdims=True))
    for weight in WEIGHTS:
        say(f"fused {weight}", ndcg(weight * meaning + (1 - weight) * words, relevant))
    place_of = {document["id"]: at for at, document in enumerate(documents)}
    row_of = {question["id"]: row for row, question in enumerate(questions)}
    scores = np.full(cosines.shape, -np.inf)
    for hit in map(json.loads, fused.splitlines()):
        scores[row_of[hit["query"]], place_of[hit["id"]]] = hit["score"]
    say("query --hybrid", ndcg(scores, relevant))


class Huedb:
    def __init__(self, binary, file):
        self.command = [os.path.abspath(binary), "--db", file]

    def run(self, *arguments):
        return subprocess.run([*self.command, *arguments], check=True, capture_output=True, text=True).stdout

    def records(self, collection):
        return [json.loads(line) for line in self.run("export", collection, "-o", "jsonl").splitlines()]

    def words(self, questions, documents):
        """BM25 of every document for each question."""
        place_of = {document["id"]: at for at, document in enumerate(documents)}
        scores = np.zeros((len(questions), len(documents)))
        for row, question in enumerate(questions):
            knn = {"query": question, "key": "#document", "limit": len(documents)}
            select = {"keys": ["#score"]}
            request = {"searches": [{"rank": {"$knn": knn}, "limit": {"limit": len(documents)}, "select": select}]}
            command = [*self.command, "search", "documents", "--json", json.dumps(request)]
            found = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
            places = [place_of[name] for name in found["ids"][0]]
            # Chroma's distance by words is 1 less their product.
            scores[row, places] = 1 - np.array(found["scores"][0])
        return scores


def unit(records):
    embeddings = np.array([record["embedding"] for record in records])
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def judgements(file, documents, questions):
    """The gain of each document for each question that has been judged."""
    rows = {question["id"]: row for row, question in enumerate(questions)}
    places = {document["id"]: at for at, document in enumerate(documents)}
    gains = {}
    with open(file, encoding="utf-8") as lines:
        for line in list(lines)[1:]:
            question, document, score = line.rstrip("\n").split("\t")
            gains.setdefault(rows[question], {})[places[document]] = float(score)
    return gains


def rrf(scores):
    shares = np.zeros_like(scores)
    for row, of_row in enumerate(scores):
        best = np.argsort(-of_row, kind="stable")[:RRF_DEPTH]
        best = best[of_row[best] != 0]
        shares[row, best] = 1 / (RRF_K + np.arange(len(best)))
    return shares


def ndcg(scores, relevant):
    """The mean over judged questions; a document of score 0 or less than any was not found."""
    discounts = 1 / np.log2(np.arange(HITS) + 2)
    found = []
    for row, gains in relevant.items():
        of_row = scores[row]
        best = [at for at in np.argsort(-of_row, kind="stable")[:HITS] if np.isfinite(of_row[at]) and of_row[at] != 0]
        gained = sum(gains.get(at, 0) * discount for at, discount in zip(best, discounts))
        most = sum(gain * discount for gain, discount in zip(sorted(gains.values(), reverse=True), discounts))
        found.append(gained / most)
    return float(np.mean(found))


def say(figure, value):
    print(json.dumps({"bench": "fusion", "figure": f"ndcg_at_10 {figure}", "value": round(value, 4)}))


main(*sys.argv[1:])
