#!/usr/bin/env bash
# Builds the pure state transition (rollwright-evm without default features)
# for riscv64im: shows that no part of it needs std, and that it can run in a
# prover's guest.
#
#   scripts/build-guest-riscv.sh            build with the toolchain in $RW
#   scripts/build-guest-riscv.sh --fetch    download the toolchain into $RW first
#
# RW defaults to target/riscv-toolchain. The toolchain is Debian
# bookworm-security's build of Rust (140 MB), unpacked and not installed; its
# sources are needed because no distribution carries a standard library for
# this target.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
RW=${RW:-$root/target/riscv-toolchain}
packages=(rustc-web libstd-rust-web-1.96 libstd-rust-web-dev rust-web-src libllvm22)
libraries=$RW/usr/lib/x86_64-linux-gnu

fetch() {
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || {
    echo "error: apt-get and dpkg are needed to fetch the toolchain; on another system unpack" >&2
    echo "       ${packages[*]} of Debian bookworm-security into $RW" >&2
    exit 1
  }
  mkdir -p "$RW/debs"
  (cd "$RW/debs" && apt-get download "${packages[@]}")
  for package in "$RW"/debs/*.deb; do dpkg -x "$package" "$RW"; done
}

missing() {
  local absent=()
  [ -x "$RW/usr/bin/rustc" ] || absent+=("usr/bin/rustc (rustc-web)")
  compgen -G "$libraries/librustc_driver-*.so" >/dev/null || absent+=("librustc_driver (libstd-rust-web-1.96)")
  [ -d "$RW/usr/lib/rustlib/x86_64-unknown-linux-gnu" ] || absent+=("the host's std (libstd-rust-web-dev)")
  compgen -G "$RW/usr/src/rustc-*/library/core/src/lib.rs" >/dev/null || absent+=("library sources (rust-web-src)")
  compgen -G "$libraries/libLLVM*.so*" >/dev/null || absent+=("libLLVM (libllvm22)")
  [ ${#absent[@]} -eq 0 ] && return 0
  echo "error: the riscv toolchain in $RW lacks:" >&2
  printf '         %s\n' "${absent[@]}" >&2
  echo "       run: $0 --fetch    (or set RW to where it is unpacked)" >&2
  exit 1
}

[ "${1:-}" = "--fetch" ] && fetch
missing

export RUSTC=$RW/usr/bin/rustc RUSTC_BOOTSTRAP=1 LD_LIBRARY_PATH=$libraries
echo "building rollwright-evm for riscv64im with $("$RUSTC" --version)"
cd "$root"
cargo build --release -p rollwright-evm --lib --no-default-features \
  --target scripts/riscv64im-rollwright-elf.json --target-dir "${GUEST_TARGET_DIR:-target/guest}" \
  -Zjson-target-spec -Zbuild-std=core,alloc -Zbuild-std-features=compiler-builtins-mem
echo "built: no part of the state transition needs std"
