#!/usr/bin/env python3
"""Holds compose.yaml and compose.postgres.yaml against what this project wants of them; their form is Compose's own schema's business.

Every service is confined, every image has a version, what is mounted is there, a server is one that would start, the proxy asks every
server, and what Prometheus and Grafana read is where their settings look for it.
"""
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = yaml.safe_load((ROOT / "helm/huedb/Chart.yaml").read_text())["appVersion"]
problems = []


def wants(holds, what):
    """Notes what does not hold."""
    if not holds:
        problems.append(what)


def services_of(file):
    """Holds every service of a file against what goes for all; returns what the file says, and what is mounted where."""
    compose = yaml.safe_load((ROOT / file).read_text())
    mounted = {}
    for name, service in compose["services"].items():
        place = f"{file}: {name}"
        wants(service.get("read_only") is True, f"{place} can write its root")
        wants(service.get("cap_drop") == ["ALL"], f"{place} keeps capabilities")
        wants(set(service.get("cap_add", [])) <= {"NET_BIND_SERVICE"}, f"{place} is given {service.get('cap_add')}")
        wants("no-new-privileges:true" in service.get("security_opt", []), f"{place} can gain rights")
        wants(not service.get("privileged"), f"{place} is privileged")
        image, _, tag = service["image"].rpartition(":")
        wants(re.fullmatch(r"v?\d+\.\d+\.\d+(-pg\d+)?", tag), f"{place} runs {service['image']}: no version")
        if image.endswith("/huedb"):
            wants(tag == VERSION, f"{place} runs {tag}, not {VERSION}")
            wants(service.get("user") == "1000:1000", f"{place} does not run as user 1000")
            outside = set(service.get("networks", [])) - {"inside"}
            wants(not outside, f"{place} is on {outside}")
        for volume in service.get("volumes", []):
            source, target, *options = volume.split(":")
            if source.startswith("."):
                mounted[name, target] = (ROOT / source).resolve()
                wants((ROOT / source).exists(), f"{place} mounts {source}, which is not there")
                wants(options == ["ro"], f"{place} can write {source}")
            else:
                wants(source in compose["volumes"], f"{place} mounts {source}, which is no volume")
        for secret in service.get("secrets", []):
            wants(secret in compose["secrets"], f"{place} wants the secret {secret}")
        for port in service.get("ports", []):
            own = port.startswith("127.0.0.1:")
            wants(own or name == "proxy", f"{place} is reached from other machines at {port}")
        for key in service.get("environment", {}):
            wants(key.endswith("_FILE") or "PASSWORD" not in key, f"{place} has a secret in {key}")
        for other in service.get("depends_on", {}):
            healthy = service["depends_on"][other]["condition"] == "service_healthy"
            tests = "healthcheck" in compose["services"][other] or "/huedb:" in compose["services"][other]["image"]
            wants(tests or not healthy, f"{place} waits for the health of {other}, which has no check")
    wants(compose["networks"]["inside"].get("internal") is True, f"{file}: the server's network leads out")
    subnet = compose["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    servers = [name for name, service in compose["services"].items() if service.get("command", [""])[0] == "serve"]
    caddy = mounted["proxy", "/etc/caddy/Caddyfile"].read_text()
    for name in servers:
        trusts = f"--trusted-proxy={subnet}" in compose["services"][name]["command"]
        wants(trusts, f"{file}: {name} trusts another network than {subnet}")
        wants(f" {name}:8000 " in caddy, f"{file}: the proxy does not ask {name}")
    print(f"{file}: {len(compose['services'])} services, {len(servers)} of them servers")
    return compose, mounted, servers


def watched(compose, mounted):
    """Holds what Prometheus and Grafana read against where it is."""
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


compose, mounted, servers = services_of("compose.yaml")
wants(len(servers) == 1, "compose.yaml: one file has one server")
watched(compose, mounted)

compose, mounted, servers = services_of("compose.postgres.yaml")
wants(len(servers) == 3, "compose.postgres.yaml: three servers stand behind the proxy")
for name in [*servers, "token-admin"]:
    service = compose["services"][name]
    hosts = service["environment"]["HUEDB_FILE"].split("@")[1].split("/")[0].split(",")
    databases = {name for name, service in compose["services"].items() if "/pgvector:" in service["image"]}
    wants(set(hosts) == databases, f"compose.postgres.yaml: {name} asks {hosts}, the databases are {databases}")
    makes = f"/run/secrets/pgpass {service['environment']['PGPASSFILE']};" in service["entrypoint"][2]
    wants(makes and "pgpass" in service["secrets"], f"compose.postgres.yaml: {name} has no passwords")

for problem in problems:
    print(problem, file=sys.stderr)
print(f"{len(problems)} problems")
sys.exit(bool(problems))
