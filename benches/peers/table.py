"""Makes a Markdown table of the lines `benches/run` printed: `python3 benches/peers/table.py < figures.jsonl`.

A row is a figure against one peer, or a figure with a target and no peer; rows that miss their target are marked "falls
short", and rows in which the peer is ahead "behind", target or not.
"""

import json
import sys

UNITS = {"share": 1, "bytes": 1e-6}
NAMES = {"bytes": "MB", "share": ""}


def main():
    lines = [json.loads(line) for line in sys.stdin if line.startswith("{")]
    lines = [line for line in lines if "peer" in line]
    own = {(line["bench"], line["figure"]): line for line in lines if line["peer"] is None}
    print("| figure | huedb | peer | | ratio | target | |")
    print("|---|---:|---|---:|---:|---:|---|")
    for line in lines:
        if line["peer"] is not None or line["target"] is not None:
            print(row(line, own.get((line["bench"], line["figure"]))))


def row(line, own):
    name = f"{line['bench']}: {line['figure']}"
    if line["peer"] is None:
        return cells(name, shown(line), "", "", "", bound(line, ""), verdict(line))
    ours = shown(own) if own else ""
    ratio = f"{line['ratio']:.3g}x" if line["ratio"] is not None else ""
    return cells(name, ours, line["peer"], shown(line), ratio, bound(line, "x"), verdict(line))


def cells(*texts):
    return "| " + " | ".join(texts) + " |"


def shown(line):
    value, unit = line["value"] * UNITS.get(line["unit"], 1), NAMES.get(line["unit"], line["unit"])
    digits = f"{value:.4f}" if line["unit"] == "share" else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".strip()


def bound(line, unit):
    if line["target"] is None:
        return ""
    return f"{'≤' if line['at_most'] else '≥'} {line['target']:g}{unit}"


def verdict(line):
    if line["met"] is not None:
        return "met" if line["met"] else "**falls short**"
    behind = line["ratio"] is not None and (line["ratio"] > 1 if line["at_most"] else line["ratio"] < 1)
    return "behind" if behind else ""


main()
