#!/usr/bin/env bash
# The growth table of BENCHMARKS.md: the same blocks on states of 10 k, 100 k, 1 M and 10 M accounts.
# usage: store-growth.sh DIR [MIB]    DIR: a folder for the chains; MIB: the store's memory budget
set -euo pipefail
dir=$1 mib=${2:-1024}
cargo build --release -p rollwright-evm --example scale
scale=${CARGO_TARGET_DIR:-target}/release/examples/scale
for accounts in 10000 100000 1000000 10000000; do
    echo "== $accounts accounts, $mib MiB"
    # Each step is a process of its own, so that its peak of memory is its own.
    "$scale" make "$dir/$accounts" "$accounts"
    "$scale" run "$dir/$accounts" 40 "$mib"
    "$scale" check "$dir/$accounts"
    rm -r "${dir:?}/$accounts"
done
