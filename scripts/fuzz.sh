#!/usr/bin/env bash
# Coverage-guided fuzzing with libFuzzer on the stable toolchain.
#
#   scripts/fuzz.sh                      every target for 60 seconds
#   scripts/fuzz.sh TARGET [SECONDS]     one target
#   scripts/fuzz.sh all SECONDS          every target for so long
#   scripts/fuzz.sh ci RUNS              so many new inputs per target, from a fixed seed; nothing is kept
#   scripts/fuzz.sh minimise TARGET      the fewest inputs with the same coverage, into the tree
#
# Options of libFuzzer go into FUZZ_FLAGS. New inputs go to target/fuzz/TARGET, what fails to
# kit/fuzz/regressions/TARGET: fix it, and leave the file as its test.
# Needs cargo and a C++ compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
home=kit/fuzz
target_dir=${CARGO_TARGET_DIR:-target}
work=$target_dir/fuzz
mode=${1:-all}
seconds=${2:-60}

command -v c++ >/dev/null || { apt-get update -qq && apt-get install -y -qq g++; }

# Only the workspace's own crates are instrumented. Dependencies are those of
# `cargo test --workspace`, with the same features, and come from its cache.
build() {
  RUSTC_WORKSPACE_WRAPPER="$PWD/scripts/fuzz-rustc.sh" \
    cargo test --quiet --locked --workspace --features rollwright-fuzz/engine --bin fuzz --no-run \
    --message-format=json-render-diagnostics
}
program=$(build | sed -n 's/.*"executable":"\([^"]*\/fuzz-[^"]*\)".*/\1/p' | tail -n 1)
[ -x "$program" ] || { echo "the fuzzer was not built" >&2; exit 1; }
mapfile -t targets < <(ROLLWRIGHT_FUZZ_LIST=1 "$program")

run() { # target, longest input, seconds, folder for new inputs
  local name=$1 longest=$2 time=$3 fresh=$4 words=()
  mkdir -p "$fresh" "$home/regressions/$name"
  [ -e "$home/dictionaries/$name" ] && words=("-dict=$home/dictionaries/$name")
  ROLLWRIGHT_FUZZ_TARGET=$name "$program" "$fresh" "$home/corpus/$name" "$home/regressions/$name" \
    "${words[@]}" -max_len="$longest" -max_total_time="$time" -timeout="${TIMEOUT:-20}" -rss_limit_mb=2048 \
    -artifact_prefix="$home/regressions/$name/" -print_final_stats=1 -verbosity="${VERBOSITY:-1}" \
    ${FUZZ_FLAGS:-} || status=$?
  rmdir "$home/regressions/$name" 2>/dev/null || true
}

longest_of() {
  local line
  for line in "${targets[@]}"; do
    [ "${line% *}" = "$1" ] && { echo "${line#* }"; return; }
  done
  echo "no target is called $1; there are:" >&2
  printf '  %s\n' "${targets[@]% *}" >&2
  exit 2
}

status=0
case $mode in
  all | ci)
    each=$seconds
    keep=$work
    if [ "$mode" = ci ]; then
      # The same inputs on every machine, as far as the engine allows, so that
      # a change is judged by what it changed. The time is only a bound.
      runs=$seconds
      each=30
      keep=$(mktemp -d)
      trap 'rm -rf "$keep"' EXIT
      # A machine that others use as well is slow now and then.
      export VERBOSITY=0 TIMEOUT=200
    fi
    for line in "${targets[@]}"; do
      name=${line% *}
      if [ "$mode" = ci ]; then
        echo "== $name, $runs runs"
        mkdir -p "$home/regressions/$name"
        inputs=$(find "$home/corpus/$name" "$home/regressions/$name" -type f | wc -l)
        FUZZ_FLAGS="-seed=1 -runs=$((inputs + runs))"
      else
        echo "== $name, $each s"
      fi
      run "$name" "${line#* }" "$each" "$keep/$name"
      [ "$status" = 0 ] || { echo "$name failed: see $home/regressions/$name"; exit 1; }
    done
    ;;
  minimise)
    name=${2:?"a target"}
    longest=$(longest_of "$name")
    small=$(mktemp -d)
    trap 'rm -rf "$small"' EXIT
    mkdir -p "$work/$name"
    ROLLWRIGHT_FUZZ_TARGET=$name "$program" -merge=1 -max_len="$longest" "$small" \
      "$home/corpus/$name" "$work/$name" -verbosity=0
    # What the merge chose from the engine's own finds; the seeds stay.
    for input in "$small"/*; do
      cmp -s "$input" "$work/$name/$(basename "$input")" && cp "$input" "$home/corpus/$name/"
    done
    du -sh "$home/corpus/$name"
    ;;
  *)
    longest=$(longest_of "$mode")
    run "$mode" "$longest" "$seconds" "$work/$mode"
    ;;
esac
exit "$status"
