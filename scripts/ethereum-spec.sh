#!/usr/bin/env bash
# Installs Ethereum's executable specification into a cache folder, once, and
# prints the path of its command.
set -euo pipefail
version=2.20.0
folder="${XDG_CACHE_HOME:-$HOME/.cache}/rollwright/ethereum-execution-$version"
if [ ! -x "$folder/bin/ethereum-spec-evm" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder" >&2 || {
    rm -rf "$folder"
    apt-get update -qq >&2 && apt-get install -y -qq python3-venv >&2
    python3 -m venv "$folder" >&2
  }
  "$folder/bin/pip" install --quiet "ethereum-execution==$version" >&2
fi
echo "$folder/bin/ethereum-spec-evm"
