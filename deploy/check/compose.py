#!/usr/bin/env python3
"""Holds compose.yaml against what this project wants of it; its form is the business of Compose's own schema.

Every service is confined, every image has a version, what is mounted is there, the server is one that would start, and what Prometheus
and Grafana read is where their settings look for it.
"""
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = yaml.safe_load((ROOT / "helm/huedb/Chart.yaml").read_text())["appVersion"]
compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
problems = []


def wants(holds, what):
    """Notes what does not hold."""
    if not holds:
        problems.append(what)


mounted = {}
for name, service in compose["services"].items():
    wants(service.get("read_only") is True, f"{name} can write its root")
    wants(service.get("cap_drop") == ["ALL"], f"{name} keeps capabilities")
    wants(set(service.get("cap_add", [])) <= {"NET_BIND_SERVICE"}, f"{name} is given {service.get('cap_add')}")
    wants("no-new-privileges:true" in service.get("security_opt", []), f"{name} can gain rights")
    wants(not service.get("privileged"), f"{name} is privileged")
    image, _, tag = service["image"].rpartition(":")
    wants(re.fullmatch(r"v?\d+\.\d+\.\d+", tag), f"{name} runs {service['image']}: no version")
    if image.endswith("/huedb"):
        wants(tag == VERSION, f"{name} runs {tag}, not {VERSION}")
        wants(service.get("user") == "1000:1000", f"{name} does not run as user 1000")
        outside = set(service.get("networks", [])) - {"inside"}
        wants(not outside, f"{name} is on {outside}")
    for volume in service.get("volumes", []):
        source, target, *options = volume.split(":")
        if source.startswith("."):
            mounted[name, target] = (ROOT / source).resolve()
            wants((ROOT / source).exists(), f"{name} mounts {source}, which is not there")
            wants(options == ["ro"], f"{name} can write {source}")
        else:
            wants(source in compose["volumes"], f"{name} mounts {source}, which is no volume")
    for secret in service.get("secrets", []):
        wants(secret in compose["secrets"], f"{name} wants the secret {secret}")
    for port in service.get("ports", []):
        own = port.startswith("127.0.0.1:")
        wants(own or name == "proxy", f"{name} is reached from other machines at {port}")
    for key in service.get("environment", {}):
        wants(key.endswith("__FILE") or "PASSWORD" not in key, f"{name} has a secret in {key}")

wants(compose["networks"]["inside"].get("internal") is True, "the server's network leads out")
command = compose["services"]["huedb"]["command"]
subnet = compose["networks"]["inside"]["ipam"]["config"][0]["subnet"]
wants(f"--trusted-proxy={subnet}" in command, f"the server trusts another network than {subnet}")

prometheus = yaml.safe_load((ROOT / "compose/prometheus.yml").read_text())
for rules in prometheus["rule_files"]:
    wants(mounted.get(("prometheus", rules)) == ROOT / "prometheus/alerts.yml", f"prometheus has no rules at {rules}")
for job in prometheus["scrape_configs"]:
    secret = pathlib.Path(job["authorization"]["credentials_file"]).name
    wants(secret in compose["services"]["prometheus"]["secrets"], f"prometheus has no {secret}")
    wants("huedb" in job["job_name"], "the alerts want huedb in the name of the job")
provider = yaml.safe_load((ROOT / "compose/grafana/dashboards/huedb.yml").read_text())["providers"][0]
wants(mounted.get(("grafana", provider["options"]["path"])) == ROOT / "grafana", "grafana has no dashboards there")
source = yaml.safe_load((ROOT / "compose/grafana/datasources/prometheus.yml").read_text())["datasources"][0]
wants(source["url"].split("/")[2].split(":")[0] in compose["services"], "grafana asks a service that is not there")

for problem in problems:
    print(f"compose.yaml: {problem}", file=sys.stderr)
print(f"compose.yaml: {len(compose['services'])} services: {len(problems)} problems")
sys.exit(bool(problems))
