// Compiles Token.sol with the pinned npm `solc` and writes, or with --check
// compares, its creation code as hex.
//
//   npm install --ignore-scripts --no-package-lock   (in kit/bench)
//   node contracts/build.mjs [--check]
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const input = {
  language: "Solidity",
  sources: { "Token.sol": { content: readFileSync(join(here, "Token.sol"), "utf8") } },
  settings: {
    evmVersion: "cancun",
    optimizer: { enabled: true, runs: 10000 },
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const problem of output.errors ?? []) console.error(problem.formattedMessage);
if (output.errors?.length) process.exit(1);

const code = `${output.contracts["Token.sol"].Token.evm.bytecode.object}\n`;
const file = join(here, "artifacts", "Token.bin");
if (process.argv.includes("--check")) {
  if (readFileSync(file, "utf8") !== code) {
    console.error("artifacts/Token.bin is not what the source gives; run: node contracts/build.mjs");
    process.exit(1);
  }
} else {
  writeFileSync(file, code);
}
