use super::{
    BlockError, EthereumBlock, Lineage, StateRoot, Violation, body, ending, executor::Executor,
    executor::environment, header, ommers, requests, rules::Rules,
};
use crate::genesis::ChainConfig;
use alloc::vec::Vec;
use alloy_consensus::{ReceiptEnvelope, TxReceipt, proofs::calculate_receipt_root};
use alloy_eips::eip7685::Requests;
use alloy_primitives::{Address, Bloom};

/// A block that is valid and committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Receipts of its transactions, in order.
    pub receipts: Vec<ReceiptEnvelope>,
    /// Their signers, in the same order.
    pub senders: Vec<Address>,
    /// Its requests (EIP-7685), from Prague on.
    pub requests: Option<Requests>,
}

/// Checks every field of `block` as a child of `lineage`'s newest block,
/// executes it on that block's state, and commits the changes to `state`.
///
/// A block that is not valid leaves `state` as it was, and the answer names the
/// field with both values. What is checked without executing comes first, in
/// the order of the header. Deterministic in all arguments.
///
/// Not checked is the seal of proof of work: `mixHash` and `nonce` before the
/// merge.
pub fn verify<S: StateRoot>(
    config: &ChainConfig,
    lineage: &Lineage,
    state: &mut S,
    block: &EthereumBlock,
) -> Result<Verified, BlockError<S::Error>> {
    let header = block.header();
    let number = header.number;
    let parent = lineage.tip();
    Violation::equal(number, "parentHash", &header.parent_hash, &parent.hash)?;
    let total = lineage.total_difficulty();
    let rules = Rules::at(config, number, header.timestamp, total);
    header::check(&rules, &parent.header, header)?;
    ommers::check(config, lineage, block)?;
    body::check(&rules, block)?;

    let (cfg, env) = environment(&rules, header);
    let mut executor = Executor::new(cfg, env, state);
    ending::dao(&rules, &mut executor)?;
    requests::before(&rules, header, &mut executor)?;
    for (index, tx) in block.block.body.transactions.iter().enumerate() {
        executor.transact(&rules, index, tx, block.sender(index))?;
    }
    let requests = requests::after(&rules, &mut executor)?;
    ending::balances(&rules, block, &mut executor)?;

    outcome(block, &executor, requests.as_ref())?;
    let changes = executor.changes();
    let root = executor.root_of(&changes)?;
    Violation::equal(number, "stateRoot", &header.state_root, &root)?;
    let receipts = core::mem::take(&mut executor.receipts);
    let senders = core::mem::take(&mut executor.senders);
    executor.commit(changes)?;
    Ok(Verified {
        receipts,
        senders,
        requests,
    })
}

/// The header's claims about the execution, without the state.
fn outcome<S: StateRoot>(
    block: &EthereumBlock,
    executor: &Executor<'_, S>,
    requests: Option<&Requests>,
) -> Result<(), Violation> {
    let header = block.header();
    let number = header.number;
    let receipts = &executor.receipts;
    Violation::equal(number, "gasUsed", &header.gas_used, &executor.gas_used)?;
    let root = calculate_receipt_root(receipts);
    Violation::equal(number, "receiptsRoot", &header.receipts_root, &root)?;
    let bloom = receipts
        .iter()
        .fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom());
    Violation::equal(number, "logsBloom", &header.logs_bloom, &bloom)?;
    let hash = requests.map(Requests::requests_hash);
    Violation::equal(number, "requestsHash", &header.requests_hash, &hash)
}
