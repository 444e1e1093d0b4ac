// Compiles the contracts with the pinned npm `solc` and writes, or with
// --check compares, the artefacts: `<name>.bin` (runtime code, hex) and
// `<name>.abi.json`. The same sources give the same bytes on every machine:
// no metadata is appended, and paths are relative.
//
// Beside the predeploys here it builds the contracts of the DA adapters and of
// the examples, each into the `artifacts/` beside its source.
//
//   npm ci && npm run build      write artifacts/
//   npm ci && npm run check      fail if artifacts/ differ
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const adapters = join(here, "../../../da-adapters");

// Folder, its sources, what they import from elsewhere, and the contracts of which artefacts are kept: of
// predeploys, which run no constructor, the runtime code alone.
const units = [
  {
    folder: here,
    sources: ["Anchor", "IAnchor", "L1Origin"],
    contracts: [["Anchor", "Anchor"], ["L1Origin", "L1Origin"]],
    predeploy: true,
  },
  {
    folder: join(adapters, "celestia/contracts"),
    sources: ["MerkleTree", "CelestiaProof", "CelestiaHeader", "BlobstreamProof", "CelestiaVerifier"],
    contracts: [["CelestiaVerifier", "CelestiaVerifier"], ["CelestiaVerifier", "MockBlobstream"]],
  },
  {
    folder: join(adapters, "ethereum/contracts"),
    sources: ["EthereumProof"],
    contracts: [["EthereumProof", "EthereumVerifier"]],
  },
  {
    folder: join(here, "../../../examples/da-proof/contracts"),
    sources: ["Claims"],
    imports: {
      CelestiaProof: join(adapters, "celestia/contracts/CelestiaProof.sol"),
      IAnchor: join(here, "IAnchor.sol"),
    },
    contracts: [["Claims", "Claims"]],
  },
];

function build({ folder, sources, imports = {}, contracts, predeploy }) {
  const read = (name) => readFileSync(imports[name] ?? join(folder, `${name}.sol`), "utf8");
  const input = {
    language: "Solidity",
    sources: Object.fromEntries([...sources, ...Object.keys(imports)].map((name) => [`${name}.sol`, { content: read(name) }])),
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
  for (const [source, name] of contracts) {
    const contract = output.contracts[`${source}.sol`][name];
    const { object, immutableReferences } = contract.evm.deployedBytecode;
    if (Object.keys(immutableReferences).length > 0) {
      console.error(`${name}: ${predeploy ? "a predeploy" : "runtime code that is placed as it is"} runs no constructor, so it can't have immutables`);
      process.exit(1);
    }
    artefacts.set(`${name}.bin`, `${object}\n`);
    artefacts.set(`${name}.abi.json`, `${JSON.stringify(contract.abi, null, 2)}\n`);
  }
  return artefacts;
}

const check = process.argv.includes("--check");
let differ = 0;
let total = 0;
for (const unit of units) {
  const folder = join(unit.folder, "artifacts");
  for (const [file, text] of build(unit)) {
    total += 1;
    if (!check) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, file), text);
      continue;
    }
    let found;
    try {
      found = readFileSync(join(folder, file), "utf8");
    } catch {
      found = undefined;
    }
    if (found !== text) {
      const what = found === undefined ? "missing" : "not what the source gives";
      console.error(`${join(folder, file)} is ${what}; run: npm run build`);
      differ += 1;
    }
  }
}
if (differ > 0) process.exit(1);
console.log(`${total} artefacts ${check ? "match" : "written"}, ${solc.version()}`);
