// Drives a node with Hardhat 3's own connection: reads, a deployment, an event,
// a revert with its reason, a signature; against a sandbox also snapshots, time
// and impersonation. Usage: hardhat run main.mjs --no-compile (ROLLWRIGHT_RPC set)
import assert from "node:assert/strict";
import hre from "hardhat";
import { counter } from "./counter.mjs";

const { provider } = await hre.network.connect({ network: "rollup" });
const send = (method, params = []) => provider.request({ method, params });
const mined = async (hash) => {
  for (let tries = 0; tries < 200; tries++) {
    const receipt = await send("eth_getTransactionReceipt", [hash]);
    if (receipt) return receipt;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${hash} was not mined`);
};

const [from, to] = await send("eth_accounts");
const before = BigInt(await send("eth_getBalance", [to]));
assert.equal((await mined(await send("eth_sendTransaction", [{ from, to, value: "0x5" }]))).status, "0x1");
assert.equal(BigInt(await send("eth_getBalance", [to])), before + 5n);

const { bytecode, increase, refuse, number } = counter();
const created = await mined(await send("eth_sendTransaction", [{ from, data: bytecode }]));
const address = created.contractAddress;
const increased = await mined(await send("eth_sendTransaction", [{ from, to: address, data: increase }]));
assert.equal(increased.logs.length, 1);
const logs = await send("eth_getLogs", [{ address, fromBlock: "0x0", toBlock: "latest" }]);
assert.equal(logs[0].transactionHash, increased.transactionHash);
assert.equal(BigInt(await send("eth_call", [{ to: address, data: number }, "latest"])), 6n);
await assert.rejects(send("eth_call", [{ from, to: address, data: refuse }, "latest"]), /refused on purpose/);
assert.ok(BigInt(await send("eth_estimateGas", [{ from, to: address, data: increase }])) > 21000n);
const history = await send("eth_feeHistory", ["0x2", "latest", [50]]);
assert.equal(history.reward.length, history.gasUsedRatio.length);
assert.match(await send("personal_sign", ["0x1234", from]), /^0x[0-9a-f]{130}$/);

let sandbox = true;
try {
  const snapshot = await send("evm_snapshot");
  const whale = "0x00000000000000000000000000000000000b16ab";
  await send("hardhat_setBalance", [whale, "0xde0b6b3a7640000"]);
  await send("hardhat_impersonateAccount", [whale]);
  assert.equal((await mined(await send("eth_sendTransaction", [{ from: whale, to, value: "0x1" }]))).from, whale);
  await send("evm_increaseTime", [3600]);
  const earlier = await send("eth_getBlockByNumber", ["latest", false]);
  await send("hardhat_mine", ["0x2"]);
  const later = await send("eth_getBlockByNumber", ["latest", false]);
  assert.ok(BigInt(later.timestamp) >= BigInt(earlier.timestamp) + 3600n);
  assert.equal(await send("evm_revert", [snapshot]), true);
  assert.equal(BigInt(await send("eth_getBalance", [whale])), 0n);
} catch (error) {
  if (!/dev --sandbox/.test(String(error.message ?? error))) throw error;
  sandbox = false;
}
console.log(sandbox ? "hardhat ok, in a sandbox" : "hardhat ok");
process.exit(0);
