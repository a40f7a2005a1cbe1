#!/usr/bin/env bash
# What the MCP tests need beside the project's own environment, which has mcp 2.x: an environment with mcp 1.x (the two do
# not share one), and from npm the official conformance suite, the Node that it needs, and three servers. What is there
# already is kept. What could not be had is said, and the tests that want it say so too (in CI they fail).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
environment=$1
python=$2
missing=0

say() {
  echo "MCP tests: $*" >&2
}

lack() {
  say "could not get $1. The tests that need it are left out."
  missing=1
}

lock=$here/mcp1/requirements.lock
if ! cmp -s "$lock" "$environment/installed.lock"; then
  say "installing mcp 1.x into $(basename "$environment") ..."
  if "$python" -m venv --clear "$environment" \
    && "$environment/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$lock"; then
    cp "$lock" "$environment/installed.lock"
  else
    lack "mcp 1.x (pip did not install tests/mcp/mcp1/requirements.lock)"
  fi
fi

modules=$here/node/node_modules
lock=$here/node/package-lock.json
if ! command -v npm > /dev/null; then
  lack "the conformance suite and the servers in JavaScript (there is no npm here)"
elif ! cmp -s "$lock" "$modules/installed-lock.json"; then
  say "installing the conformance suite and servers in JavaScript ..."
  if (cd "$here/node" && npm ci --silent); then
    cp "$lock" "$modules/installed-lock.json"
  else
    lack "the conformance suite and the servers in JavaScript (npm ci failed)"
  fi
fi

if [ -f "$modules/installed-lock.json" ]; then
  node=$modules/.bin/node
  [ -x "$node" ] || node=$(command -v node || echo node)
  "$node" -e 'process.exit(parseInt(process.versions.node) < 22 ? 1 : 0)' 2> /dev/null \
    || lack "Node 22 for the conformance suite (npm has it for Linux; elsewhere install it yourself)"
fi

# A machine that could not get them still runs everything else.
[ "$missing" = 0 ] || say "done, with something missing."
