#!/bin/sh
# Asks a running server, of this machine, what its own openapi.json allows and what it does not (schemathesis): open to all,
# with tokens but without showing one, and as an administrator. sh dast.sh HUEDB [REQUESTS-A-ROUTE]; SEED for other requests.
set -eu
huedb=$(realpath "$1")
examples=${2:-25}
here=$(dirname "$(realpath "$0")")
schemathesis=$here/../../target/dast/bin/schemathesis
metrics="$here/../../target/dast/bin/python $here/dashboard.py"
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"

start() {
    : > "$work/log"
    # Not more than it has to be: what counts is what it answers, not how fast.
    HUEDB_FILE=$1 "$huedb" serve --port 0 --threads 2 --max-body 4 --audit "$work/audit.jsonl" 2> "$work/log" &
    server=$!
    for _ in $(seq 100); do
        url=$(sed -n 's/^serving .* at \(http:[^ ]*\).*/\1/p' "$work/log")
        test -z "$url" || return 0
        sleep 0.1
    done
    cat "$work/log"
    exit 1
}

# Ends the server as its keeper would, and looks whether all is well with the file that it leaves.
stop() {
    kill -TERM "$server"
    wait "$server" || { cat "$work/log"; echo "the server did not end well"; exit 1; }
    server=
    "$huedb" --db "$1" check > /dev/null
}

ask() {
    SCHEMATHESIS_HOOKS=dast_hooks PYTHONPATH=$here "$schemathesis" --config-file "$here/schemathesis.toml" \
        run "$url/openapi.json" --max-examples "$examples" --seed "${SEED:-1}" --phases examples,fuzzing "$@"
}

"$huedb" --db open.redb create notes > /dev/null
start open.redb
echo "== open to all, at $url"
ask --checks not_a_server_error,content_type_conformance,response_schema_conformance
stop open.redb

"$huedb" --db closed.redb create notes > /dev/null
"$huedb" token generate > token
"$huedb" --db closed.redb token create admin --role admin --token-file token
admin=$(cat token)
start closed.redb
echo "== with tokens, without showing one"
HUEDB_EXPECT=refused ask --checks not_a_server_error,ignored_auth,refused_without_a_token
echo "== as an administrator"
ask --checks not_a_server_error,content_type_conformance,response_schema_conformance --header "Authorization: Bearer $admin"
curl -fsS -H "Authorization: Bearer $admin" "$url/metrics" > metrics
$metrics --served metrics
! grep -F "$admin" audit.jsonl log || { echo "the token stands in a log"; exit 1; }
stop closed.redb
