"""One question asked by a process of its own: start, open, search, print ten hits with documents and metadata, leave.

By vector against Chroma, sqlite-vec, LanceDB and DuckDB; by text against Chroma, which embeds with the same model. huedb is
asked as an import leaves the file, and with a graph.
"""

import measure
from huedb import NAME


def run(bench):
    by_vector(bench)
    by_text(bench)


def by_vector(bench):
    data, huedb = bench.data, bench.huedb
    vector = data.vector_json(0)
    ask = ["query", NAME, "--embedding", vector, "-n", "10"]
    commands = {
        "huedb": huedb.command(huedb.default(data), *ask),
        "huedb, graph": huedb.command(huedb.graph(data), *ask),
        "chromadb": bench.python("peer_chroma.py", "query-vector", bench.chroma(), vector),
        "sqlite-vec": bench.sqlite_shell(vector),
        "lancedb": bench.python("peer_lancedb.py", "query", bench.lancedb(), vector),
        "duckdb": bench.python("peer_duckdb.py", "query", bench.duckdb(), vector),
    }
    targets = {"chromadb": 60, "sqlite-vec": 6}
    compare("vector", commands, ("huedb", "huedb, graph"), targets)


def by_text(bench):
    data, huedb = bench.data, bench.huedb
    text = data.query_texts[0]
    commands = {
        "huedb": huedb.command(huedb.default(data), "query", NAME, text, "-n", "10"),
        "chromadb": bench.python("peer_chroma.py", "query-text", bench.chroma(), text),
    }
    compare("text", commands, ("huedb",), {"chromadb": 12})


def compare(figure, commands, ours, targets):
    calls = {name: (lambda command=command: measure.process(command)["wall"]) for name, command in commands.items()}
    wall = measure.interleaved(calls, rounds=11)
    for own in ours:
        named = figure if own == "huedb" else f"{figure}, with graph"
        measure.report("one-shot", named, wall[own] * 1e3, "ms")
        for peer in commands:
            if peer not in ours:
                ratio = wall[peer] / wall[own]
                measure.report("one-shot", named, wall[peer] * 1e3, "ms", peer, ratio, targets.get(peer))
