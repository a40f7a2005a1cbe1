#!/usr/bin/env bash
# Gets what a full bench needs besides Python: nginx (the practical limit) and wrk (the load). Says what it could not get.
set -u
missing=()
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx)
command -v wrk >/dev/null || missing+=(wrk)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]} ..." >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get install -qq -y --no-install-recommends "${missing[@]}" \
    || { apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}"; }; } >/dev/null 2>&1
fi
for tool in "${missing[@]}"; do
  command -v "$tool" >/dev/null || [ -x "/usr/sbin/$tool" ] \
    || echo "Could not get $tool: install it with your package manager; without it the table has gaps." >&2
done
exit 0
