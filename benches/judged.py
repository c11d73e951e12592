"""Makes two collections with judgements, in the form of BEIR, out of Debian: `python3 benches/judged.py DIR`.

DIR/packages: the short description of a Debian package asks for its long one; one package of each source.
DIR/senses: a sentence that WordNet gives as an example asks for the sense: "word, synonym: definition".
Each has 12,000 documents and 1,000 questions with one right answer, drawn by the hash of their names, so the same release
of Debian gives the same files. Needs apt, which fetches its lists into DIR/apt, and Debian's wordnet-base.
"""

import hashlib
import json
import os
import re
import subprocess
import sys

DOCUMENTS = 12_000
QUESTIONS = 1_000
WORDNET = "/usr/share/wordnet"


def main(folder):
    write(os.path.join(folder, "packages"), packages(os.path.join(folder, "apt")))
    write(os.path.join(folder, "senses"), senses())


def write(folder, pairs):
    """Draws documents and questions of {name: (question, document)} and writes the three files."""
    os.makedirs(folder, exist_ok=True)
    drawn = sorted(pairs, key=lambda name: hashlib.sha256(name.encode()).digest())[:DOCUMENTS]
    asked = drawn[:QUESTIONS]
    lines(folder, "corpus.jsonl", (json.dumps({"id": name, "text": pairs[name][1]}) for name in drawn))
    lines(folder, "queries.jsonl", (json.dumps({"id": f"q-{name}", "text": pairs[name][0]}) for name in asked))
    judged = (f"q-{name}\t{name}\t1" for name in asked)
    lines(folder, "qrels.tsv", ["query-id\tcorpus-id\tscore", *judged])


def lines(folder, name, rows):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.writelines(f"{row}\n" for row in rows)


def packages(lists):
    os.makedirs(os.path.join(lists, "partial"), exist_ok=True)
    options = ["-o", f"Dir::State::lists={os.path.abspath(lists)}", "-o", "Acquire::Languages=en"]
    subprocess.run(["apt-get", *options, "-qq", "update"], check=True)
    output = ["apt-get", *options, "indextargets", "--format", "$(FILENAME)", "Created-By: Translations"]
    files = subprocess.run(output, check=True, capture_output=True, text=True).stdout.split()
    texts = {}
    for file in files:
        texts.update(described(run(["/usr/lib/apt/apt-helper", "cat-file", file])))
    source_of = {}
    for stanza in run(["apt-cache", *options, "dumpavail"]).split("\n\n"):
        fields = dict(re.findall(r"^(Package|Source): (\S+)", stanza, re.MULTILINE))
        if "Package" in fields:
            source_of[fields["Package"]] = fields.get("Source", fields["Package"])
    one_of = {}
    for name in sorted(texts, key=lambda name: (name != source_of.get(name), name)):
        one_of.setdefault(source_of.get(name, name), name)
    return {name: texts[name] for name in one_of.values()}


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def described(text):
    """Yields each package with its short and its long description."""
    for stanza in text.split("\n\n"):
        name = re.search(r"^Package: (\S+)", stanza, re.MULTILINE)
        description = re.search(r"^Description-en: (.+)\n((?: .*\n?)+)", stanza, re.MULTILINE)
        if name and description:
            long = description[2].replace("\n .\n", "\n\n")
            yield name[1], (description[1], re.sub(r"\s+", " ", long).strip())


def senses():
    found = {}
    for part in ("noun", "verb", "adj", "adv"):
        with open(os.path.join(WORDNET, f"data.{part}"), encoding="utf-8") as file:
            for line in file:
                # The licence at the head of the file is indented.
                if line.startswith(" "):
                    continue
                fields, gloss = line.split(" | ", 1)
                fields = fields.split()
                words = [re.sub(r"\(\w+\)$", "", word).replace("_", " ") for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2]]
                definition, *examples = re.split(r';?\s*"', gloss.strip())
                examples = [example for example in examples if len(example.split()) > 3]
                if examples:
                    found[f"{part}-{fields[0]}"] = (examples[0], f"{', '.join(words)}: {definition}")
    return found


if __name__ == "__main__":
    main(sys.argv[1])
