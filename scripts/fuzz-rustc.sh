#!/bin/sh
# What cargo runs in place of rustc for the workspace's own crates: rustc with
# coverage counters and traced comparisons, as libFuzzer reads them, and
# optimised, since a fuzzer's speed is its depth. Checks stay on.
exec "$@" -Cpasses=sancov-module -Ccodegen-units=16 -Copt-level=1 -Cdebuginfo=line-tables-only \
  -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares
