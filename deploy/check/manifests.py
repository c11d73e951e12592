#!/usr/bin/env python3
"""Holds rendered Kubernetes manifests against what this project wants of them; their schemas are others' business.

manifests.py rules FILE...     every pod is as confined as Kubernetes' "restricted" standard and some more, a server of a file has
                               one replica on a ReadWriteOnce volume, servers of PostgreSQL have none and are made more or
                               fewer within bounds, selectors find what they are to find, names resolve
manifests.py same PLAIN HELM   two sets of manifests say the same, but for the chart's own labels
"""
import pathlib
import sys

import yaml

CHART = pathlib.Path(__file__).resolve().parent.parent / "helm/huedb/Chart.yaml"
OF_THE_CHART = {"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
problems = []


def documents(path):
    """Returns the objects of a file."""
    return [one for one in yaml.safe_load_all(pathlib.Path(path).read_text()) if one]


def pod_of(one):
    """Returns the pod that an object makes, and its labels."""
    kind, spec = one["kind"], one.get("spec", {})
    if kind == "Pod":
        return spec, one["metadata"].get("labels", {})
    if kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if "template" in spec:
        return spec["template"]["spec"], spec["template"]["metadata"].get("labels", {})
    return None, {}


def pod_rules(place, pod, complain):
    """What every pod must be."""
    whole = pod.get("securityContext", {})
    complain(whole.get("runAsNonRoot") is True and whole.get("runAsUser") == 1000, "does not run as user 1000")
    complain(whole.get("fsGroup") == 1000, "cannot write its volumes (fsGroup)")
    complain(whole.get("seccompProfile") == {"type": "RuntimeDefault"}, "no seccomp profile")
    complain(pod.get("automountServiceAccountToken") is False, "mounts a token of Kubernetes")
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        complain(not pod.get(field), f"has {field}")
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for name, volume in volumes.items():
        complain("hostPath" not in volume, f"volume {name} is of the node")
        if "emptyDir" in volume:
            complain(volume["emptyDir"].get("sizeLimit"), f"volume {name} has no limit")
        if "secret" in volume:
            complain(volume["secret"].get("defaultMode") == 0o440, f"volume {name} can be read by others")
    for container in pod.get("initContainers", []) + pod["containers"]:
        name = container["name"]
        context = container.get("securityContext", {})
        complain(context.get("readOnlyRootFilesystem") is True, f"{name} can write its root")
        complain(context.get("allowPrivilegeEscalation") is False, f"{name} can gain rights")
        complain(context.get("capabilities") == {"drop": ["ALL"]}, f"{name} has capabilities")
        complain(not context.get("privileged"), f"{name} is privileged")
        resources = container.get("resources", {})
        complain({"cpu", "memory"} <= resources.get("requests", {}).keys(), f"{name} requests nothing")
        complain("memory" in resources.get("limits", {}), f"{name} has no limit of memory")
        version = yaml.safe_load(CHART.read_text())["appVersion"]
        image = container["image"]
        complain(image.endswith(f":{version}") or "@sha256:" in image, f"{name} runs {image}, not {version}")
        for mount in container.get("volumeMounts", []):
            known = mount["name"] in volumes or mount["name"] == "data"
            complain(known, f"{name} mounts {mount['name']}, which is no volume")
            if "secret" in volumes.get(mount["name"], {}):
                complain(mount.get("readOnly") is True, f"{name} can write {mount['name']}")
        for each in container.get("env", []):
            secret = any(word in each["name"] for word in ("TOKEN", "PASSWORD", "SECRET"))
            complain(not secret, f"{name} has a secret in {each['name']}, where other processes see it")


def stateless_rules(one, pod, objects, complain):
    """What pods over PostgreSQL must be: several at once, which keep nothing."""
    for container in pod.get("initContainers", []) + pod["containers"]:
        if "command" in container:
            continue
        place = next((env for env in container["env"] if env["name"] == "HUEDB_FILE"), {})
        complain("secretKeyRef" in place.get("valueFrom", {}), f"{container['name']} may run twice over one file")
    kept = [volume["name"] for volume in pod["volumes"] if not {"emptyDir", "secret"} & volume.keys()]
    complain(not kept, f"keeps {kept}")
    complain("replicas" not in one["spec"], "says how many there are, which the autoscaler does")
    complain(one["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, "has fewer pods while it is updated")
    scalers = [other["spec"] for other in objects if other["kind"] == "HorizontalPodAutoscaler"]
    named = [scaler["scaleTargetRef"].get("name") for scaler in scalers]
    complain(named == [one["metadata"]["name"]], f"the autoscalers scale {named}")
    complain(all(scaler["minReplicas"] >= 2 for scaler in scalers), "may be a single pod")
    budgets = [other for other in objects if other["kind"] == "PodDisruptionBudget"]
    complain(len(budgets) == 1, "has no budget of disruptions")
    ports = [port["port"] for other in objects if other["kind"] == "NetworkPolicy" for to in other["spec"]["egress"] for port in to["ports"]]
    complain({5432, 53} == set(ports), f"reaches the ports {ports}")


def rules(path):
    """Everything about one set of manifests."""
    objects = documents(path)

    def complainer(place):
        return lambda holds, what: None if holds else problems.append(f"{path}: {place}: {what}")

    names = set()
    pods = [(one, *pod_of(one)) for one in objects if pod_of(one)[0]]
    accounts = {one["metadata"]["name"] for one in objects if one["kind"] == "ServiceAccount"}
    claims = {one["metadata"]["name"] for one in objects if one["kind"] == "PersistentVolumeClaim"}
    for one in objects:
        key = (one["kind"], one["metadata"].get("name") or one["metadata"]["generateName"])
        complainer(key)(key not in names, "is there twice")
        names.add(key)
        if one["kind"] == "StatefulSet":
            claims |= {f"{claim['metadata']['name']}-{key[1]}-0" for claim in one["spec"]["volumeClaimTemplates"]}
    for one, pod, labels in pods:
        place = f"{one['kind']} {one['metadata'].get('name') or one['metadata']['generateName']}"
        complain = complainer(place)
        pod_rules(place, pod, complain)
        complain(pod.get("serviceAccountName") in accounts, "runs as an account that is not there")
        for volume in pod.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            complain(claim is None or claim in claims, f"wants the volume {claim}, which nothing makes")
        if one["kind"] not in ("StatefulSet", "Deployment"):
            continue
        spec = one["spec"]
        complain(spec["selector"]["matchLabels"].items() <= labels.items(), "its selector does not find its pod")
        server = pod["containers"][0]
        if one["kind"] == "Deployment":
            stateless_rules(one, pod, objects, complain)
        else:
            complain(spec["replicas"] == 1, "more than one pod over one file")
            for claim in spec["volumeClaimTemplates"]:
                complain(claim["spec"]["accessModes"] == ["ReadWriteOnce"], "a volume that two nodes may write")
        args = server["args"]
        complain(args[0] == "serve", "does not serve")
        secured = any(arg.startswith(("--tls-cert=", "--trusted-proxy=")) or arg == "--insecure" for arg in args)
        complain(secured, "off loopback without TLS, proxy or --insecure: it would not start")
        known = any(arg.startswith(("--anonymous=", "--oidc-issuer=")) for arg in args)
        complain(known or pod.get("initContainers"), "off loopback without tokens: it would not start")
        for probe, route in (("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/livez")):
            asked = server.get(probe, {})
            mutual = any(arg.startswith("--tls-client-ca=") for arg in args)
            complain("tcpSocket" in asked if mutual else asked.get("httpGet", {}).get("path") == route, f"its {probe}")
        drain = next((int(arg.split("=")[1]) for arg in args if arg.startswith("--drain=")), 30)
        drain += int(server.get("lifecycle", {}).get("preStop", {"exec": {"command": ["sleep", "0"]}})["exec"]["command"][1])
        complain(pod["terminationGracePeriodSeconds"] > drain, "is killed before it has drained")
        for kind in ("Service", "NetworkPolicy", "PodDisruptionBudget"):
            for other in (other for other in objects if other["kind"] == kind):
                part = other["metadata"]["labels"].get("app.kubernetes.io/component")
                spec = other["spec"]
                selector = spec["selector"] if kind == "Service" else spec.get("podSelector") or spec["selector"]
                selector = selector if kind == "Service" else selector["matchLabels"]
                found = [
                    found["app.kubernetes.io/component"] for _, _, found in pods if selector.items() <= found.items()
                ]
                complain(found and set(found) == {part}, f"{kind} {other['metadata']['name']} finds {found}")
    return len(objects), len(pods)


def plain(one):
    """An object without what only charts say."""
    if isinstance(one, dict):
        kept = {key: plain(value) for key, value in one.items() if key not in OF_THE_CHART}
        if kept.get("annotations") == {"helm.sh/resource-policy": "keep"}:
            del kept["annotations"]
        return kept
    return [plain(each) for each in one] if isinstance(one, list) else one


def differences(place, left, right):
    """Yields where two values differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(f"{place}.{key}", left.get(key), right.get(key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for at, (one, other) in enumerate(zip(left, right)):
            yield from differences(f"{place}[{at}]", one, other)
    elif left != right:
        yield f"{place}: plain {left!r}, chart {right!r}"


def same(left, right):
    """Holds the plain manifests against those of the chart as it is."""

    def sorted_out(path):
        # The namespace is helm's to make, the test a chart's own.
        kept = (one for one in documents(path) if one["kind"] not in ("Namespace", "Pod"))
        return {(one["kind"], one["metadata"]["name"]): plain(one) for one in kept}

    left, right = sorted_out(left), sorted_out(right)
    for key in sorted(left.keys() | right.keys()):
        problems.extend(differences(" ".join(key), left.get(key), right.get(key)))
    return len(left)


def main():
    """Prints what is wrong, and ends with 1 if anything is."""
    mode, *paths = sys.argv[1:]
    if mode == "same":
        print(f"{same(*paths)} objects of the plain manifests beside the chart's: {len(problems)} problems")
    else:
        for path in paths:
            objects, pods = rules(path)
            print(f"{path}: {objects} objects, {pods} pods")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(bool(problems))


main()
