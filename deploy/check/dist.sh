#!/bin/sh
# Installs each file that `make dist` made, as its users do, and uses what was installed: sh dist.sh FOLDER PROGRAM TOOLS, the
# folder of the files, the program that is to be in all of them byte for byte, and the folder that has uv. Nothing is fetched.
set -u
folder=$(realpath "$1")
program=$(realpath "$2")
tools=$(realpath "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$("$program" --version)
export HUEDB_FILE="$work/huedb.redb"
# shellcheck source=deploy/check/check.sh
. "$(dirname "$0")/check.sh"

# works INSTALLED COMMAND...: what was installed is the program, and what people type finds a text by its meaning.
works() {
    cmp "$program" "$1" || return 1
    shift
    rm -f "$HUEDB_FILE"
    test "$("$@" --version)" = "$version" && "$@" create notes &&
        "$@" add notes --id fox --document "a red fox" && "$@" add notes --id tax --document "the tax is due in May" &&
        test "$("$@" query notes "wild animals" -n 1 -o ids)" = fox
}

# has FILE...: they came with the program.
has() {
    for file; do
        test -s "$file" || { echo "there is no $file"; return 1; }
    done
}

check "checksums" sh -c 'cd "$0" && sha256sum --check --strict SHA256SUMS' "$folder"

mkdir "$work/archive" "$work/debian" "$work/npm"
check "archive: tar" tar -x --strip-components 1 -C "$work/archive" -f "$(echo "$folder"/huedb-*.tar.gz)"
check "archive: works" works "$work/archive/huedb" "$work/archive/huedb"
check "archive: manual, completions, licences" has "$work/archive/man/huedb.1" "$work/archive/completions/_huedb" \
    "$work/archive/LICENSE-APACHE" "$work/archive/LICENSE-MIT"

debian=$work/debian/usr
check "Debian package: dpkg" dpkg --extract "$folder"/huedb_*.deb "$work/debian"
check "Debian package: works" works "$debian/bin/huedb" "$debian/bin/huedb"
check "Debian package: manual, completions, licences" has "$debian/share/man/man1/huedb.1.gz" \
    "$debian/share/bash-completion/completions/huedb" "$debian/share/doc/huedb/copyright"
check "Debian package: the C library it needs" sh -c 'dpkg-deb --field "$0" Depends | grep -F "libc6 (>= "' "$folder"/huedb_*.deb

python3 -m venv "$work/python"
check "wheel: pip" "$work/python/bin/pip" install --quiet --disable-pip-version-check --no-index "$folder"/huedb-*.whl
check "wheel: works" works "$work/python/bin/huedb" "$work/python/bin/huedb"
check "wheel: licences" has "$work"/python/lib/python3*/site-packages/huedb-*.dist-info/licenses/LICENSE-MIT
export UV_OFFLINE=1 UV_CACHE_DIR="$work/uv"
check "wheel: uvx" works "$program" "$tools/bin/uvx" --quiet --from "$(echo "$folder"/huedb-*.whl)" huedb

check "npm packages: npm" npm install --offline --silent --no-audit --no-fund --prefix "$work/npm" "$folder"/huedb-*.tgz
modules=$work/npm/node_modules
check "npm packages: work" works "$(echo "$modules"/@huedb/*/huedb)" "$modules/.bin/huedb"
check "npm packages: licences" has "$modules/huedb/LICENSE-MIT" "$modules"/@huedb/*/LICENSE-MIT
check "npm packages: the program's exit status" sh -c '"$0" query nowhere text; test $? = 2' "$modules/.bin/huedb"
# Where the package of this machine is missing, what npm installed says so.
mv "$modules/@huedb" "$work/elsewhere"
check "npm package without the program" sh -c '"$0" --version 2>&1 | tee "$1" | grep -F "npm installed no program of huedb for "
    code=$?; cat "$1"; exit $code' "$modules/.bin/huedb" "$work/refused"

echo "dist: $passed passed, $failed failed"
test "$failed" = 0
