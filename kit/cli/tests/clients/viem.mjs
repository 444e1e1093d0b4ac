// Drives a node with viem: reads, a transfer, a contract, events over
// WebSocket, a revert with its reason, fees. Usage: viem.mjs http://host:port
import assert from "node:assert/strict";
import {
  createPublicClient, createWalletClient, defineChain, http, parseEther, parseGwei, webSocket,
  ContractFunctionRevertedError,
} from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { counter } from "./compile.mjs";

const url = process.argv[2];
const account = mnemonicToAccount("test test test test test test test test test test test junk");
const probe = createPublicClient({ transport: http(url) });
const id = await probe.getChainId();
const chain = defineChain({
  id, name: "rollup", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const client = createPublicClient({ chain, transport: http(url, { batch: true }), pollingInterval: 100 });
const socket = createPublicClient({ chain, transport: webSocket(url.replace("http", "ws")) });
const wallet = createWalletClient({ account, chain, transport: http(url) });

// A transfer of each type that a wallet sends.
const to = "0x00000000000000000000000000000000000a11ce";
const before = await client.getBalance({ address: to });
for (const extra of [{}, { type: "legacy" }, { type: "eip2930", accessList: [] }]) {
  const hash = await wallet.sendTransaction({ to, value: parseEther("1"), ...extra });
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, "success");
  assert.equal(receipt.gasUsed, 21000n);
  const transaction = await client.getTransaction({ hash });
  assert.equal(transaction.blockHash, receipt.blockHash);
}
assert.equal((await client.getBalance({ address: to })) - before, parseEther("3"));

// EIP-7702: an authorisation signed by a fresh account.
const { generatePrivateKey, privateKeyToAccount } = await import("viem/accounts");
const eoa = privateKeyToAccount(generatePrivateKey());
const authorization = await wallet.signAuthorization({
  account: eoa, contractAddress: "0x4e59b44847b379578588920cA78FbF26c0B4956C", chainId: id, nonce: 0,
});
const delegation = await wallet.sendTransaction({ to, authorizationList: [authorization] });
assert.equal((await client.waitForTransactionReceipt({ hash: delegation })).status, "success");
assert.match(await client.getCode({ address: eoa.address }), /^0xef0100/);

// A contract: deploy, write, event, read, revert.
const { abi, bytecode } = counter();
const deployment = await wallet.deployContract({ abi, bytecode, args: [41n] });
const { contractAddress: address } = await client.waitForTransactionReceipt({ hash: deployment });
const events = [];
const heads = [];
const unwatch = socket.watchContractEvent({ address, abi, eventName: "Increased", onLogs: (logs) => events.push(...logs) });
const unwatchHeads = socket.watchBlocks({ onBlock: (block) => heads.push(block) });
await socket.getBlockNumber();
await new Promise((resolve) => setTimeout(resolve, 200));
const { request } = await client.simulateContract({ account, address, abi, functionName: "increase" });
const increase = await wallet.writeContract(request);
const receipt = await client.waitForTransactionReceipt({ hash: increase });
assert.equal(receipt.logs.length, 1);
assert.equal(await client.readContract({ address, abi, functionName: "number" }), 42n);
const logs = await client.getContractEvents({ address, abi, eventName: "Increased", fromBlock: receipt.blockNumber });
assert.equal(logs[0].args.number, 42n);
await assert.rejects(
  client.simulateContract({ account, address, abi, functionName: "refuse" }),
  (error) => error.walk((inner) => inner instanceof ContractFunctionRevertedError)?.reason === "refused on purpose",
);
for (let waited = 0; (events.length === 0 || heads.length === 0) && waited < 10_000; waited += 50) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
assert.equal(events[0].args.number, 42n, "event over WebSocket");
assert.ok(heads.length > 0, "block over WebSocket");
unwatch();
unwatchHeads();

// Fees, history, blocks.
const fees = await client.estimateFeesPerGas();
assert.ok(fees.maxFeePerGas > 0n && fees.maxFeePerGas < parseGwei("1000"));
const history = await client.getFeeHistory({ blockCount: 2, rewardPercentiles: [50] });
assert.ok(history.baseFeePerGas.length >= 2);
const block = await client.getBlock({ blockHash: receipt.blockHash, includeTransactions: true });
assert.ok(block.transactions.some((transaction) => transaction.hash === increase));
await assert.rejects(wallet.sendTransaction({ to, value: parseEther("1000000") }), /insufficient funds|exceeds the balance/i);
console.log("viem ok");
process.exit(0);
