#!/usr/bin/env bash
# Gets programs that are no packages of Python's: `scripts/tools.sh nginx wrk`. As root by apt; else, and where that fails, it says what is missing,
# and goes on: what needs one is left out, and says so.
set -u
have() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }
missing=()
for tool in "$@"; do have "$tool" || missing+=("$tool"); done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} ..." >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get install -qq -y --no-install-recommends "${missing[@]}" \
    || { apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}"; }; } >/dev/null 2>&1
fi
for tool in "${missing[@]}"; do
  have "$tool" || echo "Could not get $tool: install it with your package manager; what needs it is left out." >&2
done
exit 0
