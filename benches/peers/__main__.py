"""huedb against its peers on the same vectors: `PYTHON benches/peers [--only FIGURE]... [--huedb BINARY]`.

Prints a JSON line for each figure; `table.py` makes a table of them. What is slow to build is kept in the folder
HUEDB_BENCH_CACHE (target/bench unless set) and is never part of a figure. Linux only: it pins processes to one core.
"""

import argparse
import os
import time

import figure_add
import figure_batch
import figure_filter
import figure_import
import figure_million
import figure_one_shot
import figure_recall
import figure_size
import figure_ten_million
import measure
from bench import Bench

FIGURES = {
    "one-shot": figure_one_shot,
    "add": figure_add,
    "size": figure_size,
    "recall": figure_recall,
    "batch": figure_batch,
    "filter": figure_filter,
    "million": figure_million,
    "import": figure_import,
    "ten-million": figure_ten_million,
}


def main():
    parser = argparse.ArgumentParser(prog="benches/run", description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=FIGURES, help="measure this figure; may be repeated")
    parser.add_argument("--huedb", default="target/release/huedb", help="the binary measured")
    options = parser.parse_args()
    bench = Bench(os.environ.get("HUEDB_BENCH_CACHE", "target/bench"), options.huedb)
    for name, figure in FIGURES.items():
        # It takes half an hour and 21 GB, and is measured when it is asked for.
        if name in options.only if options.only else name != "ten-million":
            start = time.perf_counter()
            figure.run(bench)
            measure.say(f"{name}: {time.perf_counter() - start:.0f} s")


main()
