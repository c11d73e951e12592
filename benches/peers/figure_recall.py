"""recall@10 of what huedb does by default at 100,000 records, against exact f32 neighbours.

Asked once as a batch and once question by question, as the planner may choose differently; see `figure_million.py` for a million.
"""

import measure
from dataset import QUERIES
from huedb import NAME

# Questions asked by a process each.
ALONE = 100


def run(bench):
    huedb, data = bench.huedb, bench.data
    ask = ["query", NAME, "-n", "10", "--include", "distances"]
    for own, file in (("default", huedb.default(data)), ("with graph", huedb.graph(data))):
        batch = huedb.run(file, *ask, "--input", data.queries_jsonl, capture_output=True).stdout.decode()
        measure.report("recall", f"100k, batch of 1,000, {own}", data.recall(bench.huedb_rows(batch)), "share", target=0.999)
        lists = []
        for number in range(0, QUERIES, QUERIES // ALONE):
            printed = huedb.run(file, *ask, "--embedding", data.vector_json(number), capture_output=True).stdout.decode()
            lists.append((number, bench.huedb_rows(printed)[0]))
        recall = data.recall([rows for _, rows in lists], queries=[number for number, _ in lists])
        measure.report("recall", f"100k, one by one, {own}", recall, "share", target=0.999)
