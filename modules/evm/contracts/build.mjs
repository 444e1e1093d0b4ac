// Compiles the contracts with the pinned npm `solc` and writes, or with
// --check compares, the artefacts: `<name>.bin` (runtime code, hex) and
// `<name>.abi.json`. The same sources give the same bytes on every machine:
// no metadata is appended, and paths are relative.
//
//   npm ci && npm run build      write artifacts/
//   npm ci && npm run check      fail if artifacts/ differ
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const contracts = ["Anchor"];

const input = {
  language: "Solidity",
  sources: Object.fromEntries(
    contracts.map((name) => [`${name}.sol`, { content: readFileSync(join(here, `${name}.sol`), "utf8") }]),
  ),
  settings: {
    evmVersion: "cancun",
    optimizer: { enabled: true, runs: 10000 },
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["abi", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"] } },
  },
};

const output = JSON.parse(solc.compile(JSON.stringify(input)));
const problems = output.errors ?? [];
for (const problem of problems) console.error(problem.formattedMessage);
if (problems.length > 0) process.exit(1);

const artefacts = new Map();
for (const name of contracts) {
  const contract = output.contracts[`${name}.sol`][name];
  const { object, immutableReferences } = contract.evm.deployedBytecode;
  if (Object.keys(immutableReferences).length > 0) {
    console.error(`${name}: a predeploy runs no constructor, so it can't have immutables`);
    process.exit(1);
  }
  artefacts.set(`${name}.bin`, `${object}\n`);
  artefacts.set(`${name}.abi.json`, `${JSON.stringify(contract.abi, null, 2)}\n`);
}

const folder = join(here, "artifacts");
if (process.argv.includes("--check")) {
  let differ = 0;
  for (const [file, text] of artefacts) {
    let found;
    try {
      found = readFileSync(join(folder, file), "utf8");
    } catch {
      found = undefined;
    }
    if (found !== text) {
      console.error(`artifacts/${file} is ${found === undefined ? "missing" : "not what the source gives"}; run: npm run build`);
      differ += 1;
    }
  }
  if (differ > 0) process.exit(1);
  console.log(`${artefacts.size} artefacts match, ${solc.version()}`);
} else {
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of artefacts) writeFileSync(join(folder, file), text);
  console.log(`${artefacts.size} artefacts written, ${solc.version()}`);
}
