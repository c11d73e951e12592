#!/usr/bin/env python3
"""Holds the dashboard and the alerts against the metrics that the server has (metrics.txt).

dashboard.py                  every expression is PromQL, names only metrics of the list with labels that they have, compares
                              counters through a rate, and every metric of the list is shown somewhere
dashboard.py --served FILE    a server's answer to GET /metrics has each metric of the list, with its kind and labels
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Labels that a scrape adds.
SCRAPED = {"job", "instance", "namespace", "pod", "service"}
VARIABLES = {"$__rate_interval": "5m", "$__interval": "1m", "$job": "x", "$instance": "x"}
problems = []


def listed():
    """Returns the metrics: name to kind and labels."""
    metrics = {}
    for line in (ROOT / "check/metrics.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, kind, *labels = line.split()
            metrics[name] = (kind, set(labels[0].split(",")) if labels else set())
    return metrics


def series(metrics):
    """Returns the names that can stand in an expression: name to metric, kind and labels."""
    names = {"up": ("up", "gauge", set())}
    for name, (kind, labels) in metrics.items():
        if kind == "histogram":
            names[f"{name}_bucket"] = (name, "counter", labels | {"le"})
            names[f"{name}_sum"] = (name, "counter", labels)
            names[f"{name}_count"] = (name, "counter", labels)
        else:
            names[name] = (name, kind, labels)
    return names


def inspect(place, text, names, used):
    """Parses one expression and looks at each selector in it."""
    import promql_parser

    for variable, value in VARIABLES.items():
        text = text.replace(variable, value)
    if "$" in text:
        problems.append(f"{place}: a variable that the dashboard has not: {text}")
        return
    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        problems.append(f"{place}: {error}: {text}")
        return
    descend(place, tree, names, used, set(), ranged=False)


def descend(place, node, names, used, grouped, ranged):
    """Walks an expression; `grouped` are the labels that an aggregation around it wants kept."""
    kind = type(node).__name__
    if kind == "VectorSelector":
        if node.name not in names:
            problems.append(f"{place}: the server has no metric {node.name}")
            return
        metric, sort, labels = names[node.name]
        used.add(metric)
        asked = {matcher.name for matcher in node.matchers.matchers}
        for label in sorted((asked | grouped) - labels - SCRAPED):
            problems.append(f"{place}: {node.name} has no label {label}")
        if sort == "counter" and not ranged:
            problems.append(f"{place}: {node.name} only ever rises: take its rate or increase")
        if node.name.endswith("_bucket") and "le" not in grouped:
            problems.append(f"{place}: a quantile of {node.name} needs `by (le)`")
        return
    if kind == "MatrixSelector":
        descend(place, node.vector_selector, names, used, grouped, ranged=True)
        return
    if kind == "AggregateExpr" and node.modifier is not None and "By" in str(node.modifier.type):
        grouped = set(node.modifier.labels)
    for name in ("expr", "lhs", "rhs", "param"):
        child = getattr(node, name, None)
        if child is not None and not isinstance(child, (str, int, float)):
            descend(place, child, names, used, grouped, ranged)
    for child in getattr(node, "args", None) or []:
        descend(place, child, names, used, grouped, ranged)


def dashboard(names, used):
    """Looks at the dashboard: its expressions, and that Grafana can draw it."""
    board = json.loads((ROOT / "grafana/huedb.json").read_text())
    variables = {variable["name"] for variable in board["templating"]["list"]}
    if variables != {"datasource", "job", "instance"}:
        problems.append(f"dashboard: variables {sorted(variables)}")
    seen, taken, count = set(), {}, 0
    for panel in board["panels"]:
        place = f"dashboard, {panel['title']!r}"
        if panel["id"] in seen:
            problems.append(f"{place}: its id is another panel's")
        seen.add(panel["id"])
        grid = panel["gridPos"]
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                if x >= 24 or (x, y) in taken:
                    problems.append(f"{place}: lies on {taken.get((x, y), 'the edge')}")
                    break
                taken[x, y] = panel["title"]
            else:
                continue
            break
        if panel["type"] == "row":
            continue
        if not panel["targets"] or not panel["fieldConfig"]["defaults"].get("unit"):
            problems.append(f"{place}: no expression or no unit")
        for target in panel["targets"]:
            count += 1
            if target["datasource"]["uid"] != "${datasource}":
                problems.append(f"{place}: asks a data source of its own")
            inspect(place, target["expr"], names, used)
    return count


def alerts(names, used):
    """Looks at the alerts: their expressions, their texts, that each is tested and explained."""
    import yaml

    rules = yaml.safe_load((ROOT / "prometheus/alerts.yml").read_text())
    tested = (ROOT / "prometheus/alerts_test.yml").read_text()
    explained = (ROOT / "README.md").read_text()
    copied = yaml.safe_load((ROOT / "kubernetes/monitoring/prometheusrule.yaml").read_text())
    if copied["spec"] != rules:
        problems.append("kubernetes/monitoring/prometheusrule.yaml: its spec is not prometheus/alerts.yml")
    count = 0
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        count += 1
        name = rule["alert"]
        inspect(f"alert {name}", rule["expr"], names, used)
        if rule["labels"]["severity"] not in ("critical", "warning"):
            problems.append(f"alert {name}: severity {rule['labels']['severity']}")
        if not {"summary", "description"} <= rule["annotations"].keys():
            problems.append(f"alert {name}: no summary or no description")
        if not re.search(rf"alertname: {name}\n\s+exp_alerts:", tested):
            problems.append(f"alert {name}: no test in which it fires")
        if f"`{name}`" not in explained:
            problems.append(f"alert {name}: deploy/README.md does not say what to do")
    return count


def served(text, metrics):
    """Holds a server's answer against the list."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    seen = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*?)\})? \S+", text, re.M):
        seen.setdefault(name, set()).update(re.findall(r'([a-z_]+)="', labels))
    names = series(metrics)
    for name, (kind, _) in metrics.items():
        # OpenMetrics names the family of a counter without its _total.
        family = name.removesuffix("_total") if kind == "counter" else name
        said = kinds.get(family, kinds.get(name))
        # The build's facts may be said as an `info`, whose family lacks the _info.
        if name == "huedb_build_info" and said is None:
            said = "gauge" if kinds.get("huedb_build") == "info" else None
        if said != kind and (said, kind) != ("unknown", "gauge"):
            problems.append(f"{name}: the server says {said or 'nothing'}, the list {kind}")
    for name, labels in seen.items():
        if name not in names:
            problems.append(f"{name}: the server has it, metrics.txt does not")
        elif not labels <= names[name][2]:
            problems.append(f"{name}: the server's labels are {sorted(labels)}, the list's {sorted(names[name][2])}")
    return len(seen)


def main():
    """Prints what is wrong, and ends with 1 if anything is."""
    metrics = listed()
    if sys.argv[1:2] == ["--served"]:
        done = f"{served(pathlib.Path(sys.argv[2]).read_text(), metrics)} series of the server"
    else:
        names, used = series(metrics), set()
        done = f"{dashboard(names, used)} expressions of the dashboard, {alerts(names, used)} alerts"
        for name in sorted(metrics.keys() - used):
            problems.append(f"{name}: neither the dashboard nor an alert shows it")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{done}: {len(problems)} problems")
    sys.exit(bool(problems))


main()
