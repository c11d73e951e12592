# What run.sh and dist.sh count by; they set $work, a folder of their own.
# shellcheck shell=sh
passed=0 failed=0 failures=

# check WHAT COMMAND...: runs it, shows what it says if it fails.
check() {
    what=$1
    shift
    if "$@" > "$work/said" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $what"
    else
        failed=$((failed + 1))
        failures="$failures
FAILED $what"
        echo "FAIL  $what"
        sed 's/^/      /' "$work/said"
    fi
}
