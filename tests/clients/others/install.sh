#!/usr/bin/env bash
# What `make clients` needs: npm packages by their lock, and an environment for each Python client (they do not agree on
# the SDKs below them). An environment whose requirements did not change is kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
environments=$1
python=$2

if command -v npm > /dev/null; then
  if ! cmp -s "$here/node/package-lock.json" "$environments/package-lock.json"; then
    echo "Installing the clients in JavaScript ..." >&2
    (cd "$here/node" && npm ci --silent)
    mkdir -p "$environments" && cp "$here/node/package-lock.json" "$environments/package-lock.json"
  fi
else
  echo "No npm here: the clients in JavaScript are left out." >&2
fi

for requirements in "$here"/python/requirements/*.txt; do
  environment=$environments/$(basename "$requirements" .txt)
  cmp -s "$requirements" "$environment/installed.txt" && continue
  echo "Installing $(basename "$requirements" .txt) ..." >&2
  "$python" -m venv --clear "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
  cp "$requirements" "$environment/installed.txt"
done
