# One entrance. `just` lists what there is.

default:
    @just --list

# Everything that CI checks.
check:
    bash .ci/run

# The README's test command.
test:
    cargo test --workspace

# A development rollup on 127.0.0.1:8545.
dev *ARGS:
    cargo run --release -- dev {{ARGS}}

# Real clients (cast, forge, viem, ethers, Hardhat 3) against a node. Against any URL: kit/cli/tests/clients/run.sh URL.
clients:
    cd kit/cli/tests/clients && npm install --ignore-scripts --no-package-lock
    cd kit/cli/tests/clients/hardhat && npm install --ignore-scripts --no-package-lock
    cargo test -p rollwright-cli --features acceptance --test clients

# A live chain over three layers, killed at each step: local, Celestia's devnet, Ethereum blobs on anvil.
switch:
    cd kit/cli/tests/clients && npm install --ignore-scripts --no-package-lock
    ROLLWRIGHT_ANVIL="$PWD/kit/cli/tests/clients/node_modules/.bin/anvil" cargo test -p rollwright-cli --features acceptance --test switch

# Blocks of seeded random transactions against Ethereum's executable specification: `just t8n 0..500`.
t8n SEEDS="0..100":
    T8N="$(bash scripts/ethereum-spec.sh)" T8N_SEEDS={{SEEDS}} cargo test -p rollwright-evm --features acceptance --lib t8n

# Squares and data roots of the Celestia devnet beside those of Celestia's own libraries (needs Go): `just celestia-squares 0..500`.
celestia-squares SEEDS="0..200":
    bash scripts/celestia-squares.sh {{SEEDS}}

# Measure nodes beside anvil: `just bench sustained --batch 100`.
bench *ARGS:
    cargo run --release -p rollwright-bench -- {{ARGS}}

# Kill, starve and damage real nodes: `just torture kill 300`.
torture SCENARIO="all" ROUNDS="20" *ARGS:
    cargo run -p rollwright-torture -- {{SCENARIO}} --rounds {{ROUNDS}} {{ARGS}}

# Mgas/s of importing ordinary blocks, with the shares of execution, root and commit: `just import-speed 300`.
import-speed BLOCKS="300":
    cargo run --release -p rollwright-evm --example import -- {{BLOCKS}}

# The store under a large state, step by step: `just scale make /tmp/chain 1000000`, then `just scale run /tmp/chain`.
scale *ARGS:
    cargo run --release -p rollwright-evm --example scale -- {{ARGS}}

# The store's growth: make, run and check chains of 10 k to 10 M accounts (about 8 GB under DIR, removed afterwards).
growth DIR MIB="1024":
    bash scripts/store-growth.sh {{DIR}} {{MIB}}

# Build the contracts' artefacts from their sources.
contracts:
    cd modules/evm/contracts && npm ci --ignore-scripts && node build.mjs

# Build the state transition for the prover's target.
guest:
    bash scripts/build-guest-riscv.sh

# Compare the two derivers over any number of scenes: `just derivers 0..10000`, `just derivers 0..10000 --evm`.
derivers SEEDS="0..1000" *FLAGS:
    cargo run -p rollwright-reference -- {{FLAGS}} --seeds {{SEEDS}}

# Whole nodes over a hostile DA layer, any number of seeds: `just sim 0..5000`.
sim SEEDS="0..1000":
    cargo run -p rollwright-sim -- --seeds {{SEEDS}}

# Format and lint.
fix:
    cargo fmt --all
    cargo clippy --workspace --all-targets --all-features --fix --allow-dirty

# Coverage-guided fuzzing: every target for a minute, or `just fuzz TARGET SECONDS`.
fuzz *ARGS:
    bash scripts/fuzz.sh {{ARGS}}
