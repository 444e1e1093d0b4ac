//! A chain with a precompile of its own: named in its configuration, called in
//! a block, and executed again from a witness alone.

#![expect(clippy::print_stdout, reason = "the example tells what it does")]

mod merkle;
#[cfg(test)]
mod tests;

use alloy_consensus::{SignableTransaction, TxEip1559, crypto::secp256k1::sign_message};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{address, keccak256};
use anyhow::{Context, ensure};
use merkle::MERKLE_ROOT;
use rollwright_core::{
    Address, Anchor, Attributes, B256, BlockId, BlockRef, Bytes, DaHeight, DaOrdinal, DaPoint,
    ForcedBudget, Header, Heads, StateMachine,
};
use rollwright_derive::{DevChain, PrecompileConfig, RollupConfig};
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine, TransactionList},
    genesis::{ChainConfig, DevGenesis, Genesis, dev_account},
    machine::{EvmMachine, signed, witness::WitnessState},
    precompile::Precompile,
};

/// Where the precompile stands: "Merkle" and a number, far from Ethereum's.
pub(crate) const PLACE: Address = address!("0x4d65726b6c650000000000000000000000000001");

/// The genesis block's time.
const START: u64 = 1_800_000_000;

fn main() -> anyhow::Result<()> {
    let (engine, block) = run()?;
    let config = engine.chain_config();
    println!("chain {}, configuration {}", config.chain_id, config.hash());
    println!("block {} called {PLACE}", block.number);
    check(&engine, &block)?;
    println!(
        "executed again from a witness: the same hash {}",
        block.hash
    );
    Ok(())
}

/// The configuration: a development chain that names the precompile.
pub(crate) fn genesis(since: u64) -> anyhow::Result<Genesis> {
    let sequencer = dev_account(0).context("a development key")?.address;
    let mut rollup = RollupConfig::dev(DevChain {
        sequencer,
        fee_vault: sequencer,
        ..DevChain::default()
    });
    rollup.precompiles.push(PrecompileConfig {
        name: MERKLE_ROOT.name.into(),
        version: MERKLE_ROOT.version,
        address: PLACE,
        time: since,
        fingerprint: Some(MERKLE_ROOT.fingerprint()),
    });
    Ok(DevGenesis::new(START, rollup).genesis())
}

/// The program: an engine that has the code.
pub(crate) fn open(genesis: Genesis, code: &[Precompile]) -> anyhow::Result<EvmEngine> {
    let engine = EvmEngine::open(EvmConfig::in_memory(genesis).with_precompiles(code))?;
    engine.init()?;
    Ok(engine)
}

/// A chain with one block, in which a transaction calls the precompile.
fn run() -> anyhow::Result<(EvmEngine, BlockRef)> {
    let engine = open(genesis(0)?, &[MERKLE_ROOT])?;
    let leaves: Vec<u8> = (0..5u8).flat_map(|n| keccak256([n]).0).collect();
    let call = call(&engine, 0, leaves.into(), 100_000)?;
    let block = produce(&engine, vec![call])?;
    Ok((engine, block))
}

/// A signed call of the precompile.
pub(crate) fn call(
    engine: &EvmEngine,
    nonce: u64,
    input: Bytes,
    gas_limit: u64,
) -> anyhow::Result<Bytes> {
    let transaction = TxEip1559 {
        chain_id: engine.chain_config().chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas: 10_000_000_000,
        to: PLACE.into(),
        input,
        ..TxEip1559::default()
    };
    let key = dev_account(0).context("a development key")?.key;
    let signature = sign_message(key, transaction.signature_hash())?;
    Ok(signed(transaction, signature).encoded_2718().into())
}

pub(crate) fn header(engine: &EvmEngine, at: &BlockRef) -> anyhow::Result<Header> {
    let header = engine.store().header(BlockId::Hash(at.hash))?;
    header.context("a known block")
}

/// Makes a block of these transactions, and the block the head.
pub(crate) fn produce(engine: &EvmEngine, transactions: Vec<Bytes>) -> anyhow::Result<BlockRef> {
    let parent = engine.heads()?.latest;
    let header = header(engine, &parent)?;
    let timestamp = header.timestamp + 1;
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(parent.number + 1),
        hash: parent.hash,
    };
    let attributes = Attributes {
        timestamp,
        fee_recipient: Address::ZERO,
        gas_limit: header.gas_limit,
        anchor: Anchor::at(origin, DaOrdinal(parent.number + 1), B256::ZERO, timestamp),
        forced: Vec::new(),
        forced_budget: ForcedBudget::default(),
        ticks: Vec::new(),
        inbox: Vec::new(),
        max_bytes: 1 << 20,
        max_transactions: 100,
    };
    let offered = transactions.len();
    let mut list = TransactionList::new(transactions);
    let built = engine.build_block(&parent, attributes, &mut list)?.executed;
    ensure!(
        built.transactions as usize == offered,
        "a transaction was left out"
    );
    engine.commit(&Heads::all(built.block), &[])?;
    Ok(built.block)
}

/// Executes a block again from a witness: no store, the configuration alone,
/// and the code that the program has.
pub(crate) fn check(engine: &EvmEngine, block: &BlockRef) -> anyhow::Result<()> {
    let mut config: ChainConfig = genesis(0)?.config;
    config.link(&[MERKLE_ROOT])?;
    let sealed = stateless(engine, &config, block)?;
    ensure!(sealed.hash_slow() == block.hash, "another block");
    Ok(())
}

/// The header that a block has by this configuration, from a witness of it.
pub(crate) fn stateless(
    engine: &EvmEngine,
    config: &ChainConfig,
    block: &BlockRef,
) -> anyhow::Result<Header> {
    let input = engine.input_of(block)?;
    let witness = engine.witness_of(block)?;
    let parent = header(engine, &input.parent)?;
    let mut state = WitnessState::new(&witness, &parent)?;
    Ok(EvmMachine::apply(config, &parent, &mut state, &input)?.header)
}
