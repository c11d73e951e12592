"""Bytes on disk of the same 100,000 records with documents and metadata: the file against Chroma's folder and the others'."""

import os

import measure


def run(bench):
    data, huedb = bench.data, bench.huedb
    files = {"file": huedb.default(data), "file, compacted": huedb.compacted(data), "file, with graph": huedb.graph(data)}
    ours = {name: size(file) for name, file in files.items()}
    peers = {
        "chromadb": size(bench.chroma()),
        "sqlite-vec": size(bench.sqlite_vec()),
        "lancedb": size(bench.lancedb()),
        "duckdb": size(bench.duckdb()),
    }
    for figure, own in ours.items():
        measure.report("size", figure, own, "bytes")
        for peer, theirs in peers.items():
            target = 0.85 if peer == "chromadb" else None
            measure.report("size", figure, theirs, "bytes", peer, own / theirs, target, at_most=True)


def size(path):
    """The length of a file, or of all files of a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(path) for name in names)
