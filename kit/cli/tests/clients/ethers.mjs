// Drives a node with ethers: reads, a transfer, a contract, filters, events
// over WebSocket, a revert with its reason. Usage: ethers.mjs http://host:port
import assert from "node:assert/strict";
import { ContractFactory, HDNodeWallet, JsonRpcProvider, WebSocketProvider, parseEther } from "ethers";
import { counter } from "./compile.mjs";

const url = process.argv[2];
// No cache: by default ethers answers a repeated read from memory for 250 ms,
// longer than this node takes to include a transfer.
const provider = new JsonRpcProvider(url, undefined, { polling: true, pollingInterval: 100, cacheTimeout: -1 });
// The second development account, so that a run beside viem shares no nonce.
const wallet = HDNodeWallet.fromPhrase(
  "test test test test test test test test test test test junk", undefined, "m/44'/60'/0'/0/1",
).connect(provider);

const to = "0x00000000000000000000000000000000000b0b00";
const before = await provider.getBalance(to);
const sent = await wallet.sendTransaction({ to, value: parseEther("2") });
const receipt = await sent.wait();
assert.equal(receipt.status, 1);
assert.equal((await provider.getBalance(to)) - before, parseEther("2"));

const { abi, bytecode } = counter();
const contract = await new ContractFactory(abi, bytecode, wallet).deploy(7);
await contract.waitForDeployment();
const socket = new WebSocketProvider(url.replace("http", "ws"));
const seen = new Promise((resolve) => contract.connect(socket).once("Increased", (by, number) => resolve(number)));
await socket.getBlockNumber();
await new Promise((resolve) => setTimeout(resolve, 200));
const increased = await (await contract.increase()).wait();
assert.equal(await contract.number(), 8n);
assert.equal(await Promise.race([seen, new Promise((_, fail) => setTimeout(fail, 10_000, new Error("no event")))]), 8n);
const logs = await contract.queryFilter("Increased", increased.blockNumber, "latest");
assert.equal(logs.length, 1);
await assert.rejects(contract.refuse.staticCall(), (error) => error.reason === "refused on purpose");
const block = await provider.getBlock(increased.blockNumber, true);
assert.equal(block.prefetchedTransactions.length, block.transactions.length);
assert.ok((await provider.getFeeData()).maxFeePerGas > 0n);
assert.equal(await provider.getTransactionCount(wallet.address, "pending"), await wallet.getNonce());
console.log("ethers ok");
process.exit(0);
