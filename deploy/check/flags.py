#!/usr/bin/env python3
"""Holds the flags that deploy/ gives to huedb against those that the source of each verb has: flags.py [MANIFEST...].

What is looked at: both compose files, the units, the commands in README.md, and rendered manifests.
"""
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VERBS = {"serve", "token", "ping", "backup", "restore", "encrypt", "check", "setup", "index", "repair"}
GLOBAL = {"db", "key-file", "key-command", "token-file", "token-command", "ca-file", "tenant", "database", "output"}
GLOBAL |= {"encrypt", "force", "deep", "to"}
problems = []


def known(verb):
    """Returns the flags of a verb: its fields in the source, and the names that are given to them."""
    path = ROOT / f"src/cli/verb/{verb}.rs"
    if not path.exists():
        return None
    text = path.read_text()
    named = {field.replace("_", "-") for field in re.findall(r"^\s+(?:pub\S* )?(\w+): ", text, re.M)}
    return GLOBAL | named | set(re.findall(r'long = "([a-z-]+)"', text))


def commands(paths):
    """Yields where a command stands, and its words."""
    for file in ("compose.yaml", "compose.postgres.yaml"):
        compose = yaml.safe_load((ROOT / "deploy" / file).read_text())
        for name, service in compose["services"].items():
            if service["image"].split("/")[-1].startswith("huedb:") and "command" in service:
                yield f"{file}, {name}", service["command"]
    for unit in (ROOT / "deploy/systemd").glob("*.service"):
        for line in re.findall(r"^ExecStart=/usr/bin/huedb (.*)", unit.read_text(), re.M):
            yield unit.name, line.split()
    for line in re.findall(r"^HUEDB_ARGS=(.*)", (ROOT / "deploy/README.md").read_text(), re.M):
        yield "README.md", ["serve", *line.split()]
    for line in re.findall(r"\bhuedb ([^`\"\n|;)]*)", (ROOT / "deploy/README.md").read_text()):
        words = line.split("#")[0].split()
        if VERBS & set(words):
            yield "README.md", words
    for path in paths:
        for one in yaml.safe_load_all(pathlib.Path(path).read_text()):
            for container in containers(one):
                if "command" not in container:
                    yield f"{path}, {container['name']}", container["args"]


def containers(one):
    """Yields every container that stands somewhere in an object."""
    if isinstance(one, dict):
        for key in ("initContainers", "containers"):
            yield from one.get(key, [])
        for value in one.values():
            yield from containers(value)
    elif isinstance(one, list):
        for value in one:
            yield from containers(value)


def main():
    """Prints what is wrong, and ends with 1 if anything is."""
    count = 0
    for place, words in commands(sys.argv[1:]):
        verb = next((word for word in words if word in VERBS), None)
        flags = known(verb) if verb else None
        if flags is None:
            problems.append(f"{place}: no verb that the source has in {' '.join(words)}")
            continue
        count += 1
        for word in words:
            flag = re.match(r"--([a-z-]+)", word)
            if flag and flag[1] not in flags:
                problems.append(f"{place}: huedb {verb} has no --{flag[1]}")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{count} commands: {len(problems)} problems")
    sys.exit(bool(problems))


main()
