#!/usr/bin/env bash
# Lay out random blocks with the Celestia devnet, and the same with go-square,
# rsmt2d and nmt; exit code 1 where squares or data roots differ.
# usage: celestia-squares.sh [FROM..TO]; with RECORD=1 the first cases become
# the fixture of tests/squares.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-0..200}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
command -v go >/dev/null || { echo "Go is missing: https://go.dev/doc/install" >&2; exit 2; }
(cd da-adapters/celestia/real/squares && go build -o "$folder/squares" .)
cargo run --quiet -p rollwright-da-celestia --features devnet --example squares -- "$seeds" >"$folder/cases"
"$folder/squares" <"$folder/cases" >"$folder/found"
if [ -n "${RECORD:-}" ]; then
    head -n 40 "$folder/found" >da-adapters/celestia/tests/data/squares.txt
fi
