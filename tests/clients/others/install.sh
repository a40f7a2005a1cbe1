#!/usr/bin/env bash
# What `make clients` needs: npm packages by their locks (SDKs in node/, programs in commands/), and an environment for
# each Python client (they do not agree on the SDKs below them). What did not change is kept. What could not be had is
# said, and the run leaves it out.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
environments=$1
python=$2
mkdir -p "$environments"

lack() {
  echo "Could not get $1: left out." >&2
}

from_npm() {
  local place=$here/$1
  cmp -s "$place/package-lock.json" "$place/node_modules/installed-lock.json" && return
  echo "Installing $2 ..." >&2
  if (cd "$place" && npm ci --silent); then
    cp "$place/package-lock.json" "$place/node_modules/installed-lock.json"
  else
    lack "$2 (npm ci failed in $1)"
  fi
}

# Of these npm has no packages for some machines, so that `npm ci` would hold no lock of them for whole.
from_npm_without_lock() {
  local place=$here/$1
  cmp -s "$place/package.json" "$place/node_modules/installed.json" && return
  echo "Installing $2 ..." >&2
  if (cd "$place" && npm install --silent --no-package-lock); then
    cp "$place/package.json" "$place/node_modules/installed.json"
  else
    lack "$2 (npm install failed in $1)"
  fi
}

if command -v npm > /dev/null; then
  from_npm node "the clients in JavaScript"
  from_npm commands "Claude Code, Codex, Gemini CLI, pi, Continue, MCP Inspector and mcp-remote"
  from_npm_without_lock unlocked "Cline, opencode and Qwen Code"
else
  lack "the clients in JavaScript and the programs (there is no npm here)"
fi

for requirements in "$here"/python/requirements/*.txt; do
  name=$(basename "$requirements" .txt)
  environment=$environments/$name
  cmp -s "$requirements" "$environment/installed.txt" && continue
  echo "Installing $name ..." >&2
  if "$python" -m venv --clear "$environment" \
    && "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"; then
    cp "$requirements" "$environment/installed.txt"
  else
    lack "$name (pip did not install $(basename "$requirements"))"
    rm -rf "$environment"
  fi
done
