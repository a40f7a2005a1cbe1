#!/usr/bin/env bash
# Resolve requirements.lock, requirements-dev.lock, the locks of the demo's customer service desk and of the documentation's
# site, and that of the environments that tests need beside them: names, versions and hashes, no addresses.
set -euo pipefail
bin=${1:-.venv/bin}
"$bin/pip" install --quiet --disable-pip-version-check uv
options=(--quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11)
# hatchling builds the package itself: it is locked too, so that nothing unpinned runs at installation.
printf 'hatchling>=1.27\neditables\n' > "$bin/../build.in"
"$bin/uv" pip compile "${options[@]}" pyproject.toml "$bin/../build.in" -o requirements.lock
"$bin/uv" pip compile "${options[@]}" pyproject.toml "$bin/../build.in" --group dev -o requirements-dev.lock
"$bin/uv" pip compile "${options[@]}" pyproject.toml "$bin/../build.in" --extra mcp -c requirements-dev.lock -o requirements-demo.lock
"$bin/uv" pip compile "${options[@]}" pyproject.toml "$bin/../build.in" --group docs -c requirements-dev.lock -o requirements-docs.lock
"$bin/uv" pip compile "${options[@]}" tests/mcp/mcp1/requirements.in -o tests/mcp/mcp1/requirements.lock
if grep -nE 'https?://|--(extra-)?index-url|--find-links' requirements.lock requirements-dev.lock requirements-demo.lock requirements-docs.lock tests/mcp/mcp1/requirements.lock; then
  echo "A lock file holds an address." >&2
  exit 1
fi
