"""Medians of interleaved runs, and the line printed for each figure.

Contenders take turns, round after round, so that a slow minute of the machine falls on all of them; the first round only
warms the page cache. A figure is a median; a ratio is the quotient of two medians of the same rounds.
"""

import json
import os
import statistics
import subprocess
import sys
import time

ROUNDS = 5
LAUNCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")
ONE_CORE = ["taskset", "-c", "0"]


def process(command, output=os.devnull):
    """Runs a whole process: its wall and processor seconds and its peak of resident bytes."""
    environment = dict(os.environ, LAUNCH_OUTPUT=output)
    launched = [sys.executable, "-I", "-S", LAUNCH, *command]
    cost = json.loads(subprocess.run(launched, env=environment, stdout=subprocess.PIPE, check=True).stdout)
    if cost["status"] != 0:
        raise RuntimeError(f"{command[0]} failed: {' '.join(command)[:200]}")
    return cost


def seconds(call):
    """Wall seconds of a call in this process."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interleaved(contenders, rounds=ROUNDS, warm=True):
    """Takes turns with the contenders, name to call; the medians of what the calls return.

    Each round begins with another of them, so that none always follows the one that leaves the caches coldest.
    """
    results = {name: [] for name in contenders}
    order = list(contenders.items())
    for turn in range(rounds + warm):
        for name, call in order[turn % len(order) :] + order[: turn % len(order)]:
            result = call()
            if turn or not warm:
                results[name].append(result)
    return {name: median(values) for name, values in results.items()}


def median(values):
    if isinstance(values[0], dict):
        return {key: statistics.median(value[key] for value in values) for key in values[0]}
    return statistics.median(values)


def report(bench, figure, value, unit, peer=None, ratio=None, target=None, at_most=False):
    """Prints one figure; a target is a bound of the ratio, or of the value where there is no ratio."""
    judged = value if ratio is None else ratio
    met = None if target is None else (judged <= target if at_most else judged >= target)
    line = {
        "bench": bench,
        "figure": figure,
        "value": rounded(value),
        "unit": unit,
        "peer": peer,
        "ratio": rounded(ratio),
        "target": target,
        "at_most": at_most,
        "met": met,
    }
    print(json.dumps(line), flush=True)


def rounded(value):
    return value if value is None else float(f"{value:.4g}")


def say(text):
    """A line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
