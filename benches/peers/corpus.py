"""The glosses of WordNet (Debian's wordnet-base) as records: id, document and three metadata fields.

It reads the dictionary's files and nothing else; the embeddings are made in `vectors.py`. The order is a seeded shuffle,
so the base and the held-out queries are drawn alike, and the same on every machine.
"""

import os
import random

FOLDER = "/usr/share/wordnet"
PARTS_OF_SPEECH = {"n": "noun", "v": "verb", "a": "adjective", "s": "satellite adjective", "r": "adverb"}
SEED = 11


def glosses():
    """All 117,659 records, shuffled."""
    records = []
    for part in ("noun", "verb", "adj", "adv"):
        with open(os.path.join(FOLDER, f"data.{part}"), encoding="latin-1") as lines:
            records.extend(record(line) for line in lines if not line.startswith(" "))
    random.Random(SEED).shuffle(records)
    return records


def record(line):
    """One synset: `offset lexicographer-file type ... | gloss`."""
    synset, _, gloss = line.partition(" | ")
    offset, lexicographer, kind = synset.split()[:3]
    return {
        "id": f"{kind}{offset}",
        "document": gloss.strip(),
        "pos": PARTS_OF_SPEECH[kind],
        "lexfile": int(lexicographer),
        "offset": int(offset),
    }
