// The counter of ../contracts with its calls, encoded by hand.
import solc from "solc";
import { readFileSync } from "node:fs";

export function counter() {
  const source = readFileSync(new URL("../contracts/src/Counter.sol", import.meta.url), "utf8");
  const input = {
    language: "Solidity",
    sources: { "Counter.sol": { content: source } },
    settings: { outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.methodIdentifiers"] } } },
  };
  const { evm } = JSON.parse(solc.compile(JSON.stringify(input))).contracts["Counter.sol"].Counter;
  const selector = (signature) => `0x${evm.methodIdentifiers[signature]}`;
  const start = "5".padStart(64, "0");
  return {
    bytecode: `0x${evm.bytecode.object}${start}`,
    increase: selector("increase()"),
    refuse: selector("refuse()"),
    number: selector("number()"),
  };
}
