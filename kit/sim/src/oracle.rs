//! What must hold after every step of a run.

use crate::{
    Judge, Plan, Process, Sabotage, SimNode, Trace,
    judge::transactions,
    machine::{ACCOUNTS, Chain, SECOND_KEY, SEQUENCER_KEY, balances, stranger},
    node::{ORPHANS, POOL, UNPOSTED},
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use rollwright_core::{BlockId, BlockRef, ChainStore, Heads, NodeApi};
use rollwright_derive::{DeriverState, PartSigner, RuleSet};
use rollwright_node::NodeHandle;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: &'static str,
    /// What was found.
    pub detail: String,
    /// When, in milliseconds since the run began.
    pub at_ms: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = std::time::Duration::from_millis(self.at_ms).as_secs_f64();
        write!(f, "{}: {} (at {seconds:.3} s)", self.invariant, self.detail)
    }
}

/// Nodes agree on what is safe.
pub const AGREEMENT: &str = "nodes agree on safe blocks";
/// What is final never changes.
pub const FINALITY: &str = "what is final never changes";
/// Nothing acknowledged is lost.
pub const NOTHING_LOST: &str = "no preconfirmed transaction is lost";
/// Nothing is posted or included twice.
pub const ONCE: &str = "nothing is posted twice";
/// Value neither appears nor disappears.
pub const VALUE: &str = "value is conserved";
/// Memory stays inside its bounds.
pub const BOUNDS: &str = "memory stays inside its bounds";
/// What was committed outlives the process.
pub const DURABILITY: &str = "what was committed outlives the process";
/// No node stops by itself.
pub const NO_FAILURE: &str = "no node stops by itself";
/// Once faults end, everything goes on.
pub const LIVENESS: &str = "once faults end, everything goes on";
/// The reference derives the same chain, and tells the same of it.
pub const REFERENCE: &str = "both derivers agree";
/// Forced transactions leave the queue in time.
pub const FORCED: &str = "forced transactions are included by their deadline";

/// All of them.
pub const ALL: [&str; 11] = [
    AGREEMENT,
    FINALITY,
    NOTHING_LOST,
    ONCE,
    VALUE,
    BOUNDS,
    DURABILITY,
    NO_FAILURE,
    LIVENESS,
    FORCED,
    REFERENCE,
];

/// Remembers what it has seen, and compares.
#[derive(Debug)]
pub struct Oracle {
    trace: Trace,
    finals: BTreeMap<u64, B256>,
    /// The rows of the deriver's small fields that were looked at, by node.
    seen: BTreeMap<usize, Bytes>,
    finalized: BTreeMap<usize, u64>,
    minted: U256,
    genesis_value: Option<U256>,
    /// The largest encoded state of a deriver that was seen, in bytes.
    pub largest_state: usize,
    /// How many states of nodes were compared with the judge's.
    pub compared: u64,
}

impl Oracle {
    /// An oracle for a run.
    pub fn new(plan: &Plan, trace: Trace) -> Self {
        let appears = plan.sabotage == Some(Sabotage::ValueAppears);
        Self {
            trace,
            finals: BTreeMap::new(),
            seen: BTreeMap::new(),
            finalized: BTreeMap::new(),
            minted: U256::from(u8::from(appears)),
            genesis_value: None,
            largest_state: 0,
            compared: 0,
        }
    }

    /// A violation, now.
    pub fn violated(&self, invariant: &'static str, detail: impl Into<String>) -> Violation {
        Violation {
            invariant,
            detail: detail.into(),
            at_ms: self.trace.elapsed_ms(),
        }
    }

    /// What must hold of a process at any time.
    pub fn look<C: Chain>(
        &mut self,
        node: &SimNode<C>,
        process: &Process<C>,
        handle: Option<&NodeHandle>,
        judge: &Judge<C>,
    ) -> Result<(), Violation> {
        let engine = process.engine.inner();
        let Ok(heads) = engine.heads() else {
            return Ok(());
        };
        self.final_blocks(node, engine, &heads)?;
        self.state(node, engine, &heads, judge)?;
        let Some(handle) = handle else { return Ok(()) };
        let status = handle.status();
        if status.pool.pending + status.pool.queued > POOL + ORPHANS
            || status.unposted_blocks > 2 * UNPOSTED + 1
        {
            let detail = format!(
                "{}: {:?}, {} unposted",
                node.name(),
                status.pool,
                status.unposted_blocks
            );
            return Err(self.violated(BOUNDS, detail));
        }
        Ok(())
    }

    /// What must hold when a process has died: its store has what it was told.
    pub fn died<C: Chain>(
        &mut self,
        node: &SimNode<C>,
        process: &Process<C>,
        chain: &C,
    ) -> Result<(), Violation> {
        self.seen.remove(&node.index);
        let stored = node.stored_heads(chain);
        match process.engine.promised() {
            Some(promised) if stored != Some(promised) => {
                let detail = format!(
                    "{}: {promised:?} was committed, {stored:?} is there",
                    node.name()
                );
                Err(self.violated(DURABILITY, detail))
            }
            _ => Ok(()),
        }
    }

    /// The node begins again with an empty store.
    pub fn forget(&mut self, node: usize) {
        self.seen.remove(&node);
        self.finalized.remove(&node);
    }

    fn final_blocks<C: Chain>(
        &mut self,
        node: &SimNode<C>,
        engine: &C::Engine,
        heads: &Heads,
    ) -> Result<(), Violation> {
        let before = self.finalized.get(&node.index).copied();
        let number = heads.finalized.number;
        if before.is_some_and(|before| number < before) {
            let detail = format!(
                "{}: the final head went from {before:?} to {number}",
                node.name()
            );
            return Err(self.violated(FINALITY, detail));
        }
        if before == Some(number) {
            return Ok(());
        }
        self.finalized.insert(node.index, number);
        for number in before.unwrap_or(0)..=number {
            let Ok(Some(block)) = engine.block(BlockId::Number(number)) else {
                // Below a snapshot.
                continue;
            };
            let hash = block.block.hash;
            let known = *self.finals.entry(number).or_insert(hash);
            if known != hash {
                let detail = format!(
                    "{}: final block {number} is {hash}, and was {known}",
                    node.name()
                );
                return Err(self.violated(FINALITY, detail));
            }
        }
        Ok(())
    }

    /// The deriver's state in the store is the judge's after the same DA block.
    fn state<C: Chain>(
        &mut self,
        node: &SimNode<C>,
        engine: &C::Engine,
        heads: &Heads,
        judge: &Judge<C>,
    ) -> Result<(), Violation> {
        let core = engine.record(b"derive/s\x00").ok().flatten();
        let Some(core) = core else { return Ok(()) };
        if self.seen.insert(node.index, core.clone()) == Some(core) {
            return Ok(());
        }
        let rows = engine.records(b"derive/s", &[], usize::MAX);
        let state = rows.ok().map(DeriverState::from_records);
        let Some(Ok(Some(state))) = state else {
            let detail = format!("{}: the deriver's state does not read back", node.name());
            return Err(self.violated(DURABILITY, detail));
        };
        let Some(read) = state.last_da_block() else {
            return Ok(());
        };
        self.compared += 1;
        let verdict = judge.verdict(read.hash);
        let same = verdict
            .is_some_and(|verdict| verdict.state == state.hash() && verdict.safe == heads.safe);
        if !same {
            let detail = format!(
                "{}: after DA block {} {} it holds state {} and block {:?}; derivation gives {verdict:?}",
                node.name(),
                read.height,
                read.hash,
                state.hash(),
                heads.safe,
            );
            return Err(self.violated(AGREEMENT, detail));
        }
        let size = state.encode().len();
        self.largest_state = self.largest_state.max(size);
        let bound = state_bound(judge.rules.at(state.next_ordinal()));
        if size > bound {
            let detail = format!(
                "{}: the deriver's state has {size} bytes of {bound}",
                node.name()
            );
            return Err(self.violated(BOUNDS, detail));
        }
        Ok(())
    }

    /// No entry stays in the forced queue beyond the longest wait.
    pub fn forced_queue<C: Chain>(&self, judge: &Judge<C>) -> Result<(), Violation> {
        let state = judge.state();
        let longest = judge.rules.config().longest_forced_wait();
        let late = state
            .forced()
            .find(|(id, _)| state.next_ordinal().0.saturating_sub(id.ordinal.0) > longest + 1);
        match late {
            Some((id, _)) => {
                let detail = format!("entry {id:?} waits at ordinal {}", state.next_ordinal());
                Err(self.violated(FORCED, detail))
            }
            None => Ok(()),
        }
    }

    /// All value in the state of a block, and what was burned until then, are
    /// what genesis gave.
    pub fn value<C: Chain>(
        &mut self,
        who: &str,
        engine: &C::Engine,
        at: BlockRef,
    ) -> Result<(), Violation> {
        let holders = holders::<C>();
        let sum = |at| -> U256 {
            let found = balances(engine, at, &holders);
            found.iter().map(|(balance, _)| *balance).sum()
        };
        let genesis = match self.genesis_value {
            Some(value) => value,
            None => {
                let Ok(Some(block)) = engine.block(BlockId::Number(0)) else {
                    return Ok(());
                };
                let value = sum(block.block) + self.minted;
                *self.genesis_value.insert(value)
            }
        };
        let mut burned = U256::ZERO;
        for number in 1..=at.number {
            let Ok(Some(header)) = engine.header(BlockId::Number(number)) else {
                // Below a snapshot nobody knows.
                return Ok(());
            };
            burned += C::burned(&header);
        }
        let now = sum(at);
        if now + burned != genesis {
            let detail = format!(
                "{who}: {now} and {burned} burned at block {} are not the {genesis} of genesis",
                at.number
            );
            return Err(self.violated(VALUE, detail));
        }
        Ok(())
    }

    /// Everything acknowledged stands once in an engine's chain, and nothing
    /// stands twice.
    pub fn transactions<C: Chain>(
        &self,
        who: &str,
        engine: &C::Engine,
        up_to: u64,
        acknowledged: &BTreeMap<B256, Bytes>,
    ) -> Result<(), Violation> {
        let mut found = BTreeSet::new();
        for (number, bytes) in transactions(engine, up_to) {
            let hash = keccak256(&bytes);
            if !found.insert(hash) {
                let detail =
                    format!("{who}: transaction {hash} stands twice, again in block {number}");
                return Err(self.violated(ONCE, detail));
            }
        }
        match acknowledged.keys().find(|hash| !found.contains(*hash)) {
            Some(hash) => {
                let detail =
                    format!("{who}: transaction {hash} was acknowledged and is in no block");
                Err(self.violated(NOTHING_LOST, detail))
            }
            None => Ok(()),
        }
    }
}

/// Everybody who may hold value.
fn holders<C: Chain>() -> Vec<Address> {
    let address = |key| PartSigner::address(&crate::forger::signer(key));
    let special = [
        address(SEQUENCER_KEY),
        address(SECOND_KEY),
        Address::repeat_byte(0xfe),
        Address::repeat_byte(0xaa),
    ];
    let accounts = (0..ACCOUNTS + 2).map(C::account);
    let all: BTreeSet<Address> = accounts
        .chain((0..16).map(stranger))
        .chain(special)
        .collect();
    all.into_iter().collect()
}

/// The most bytes that the deriver's state may take under these rules.
pub fn state_bound(rules: &RuleSet) -> usize {
    let origins = (rules.timing.window + 2).saturating_mul(256);
    let forced = rules.forced.queue_bytes + u64::from(rules.forced.queue_count) * 64;
    // Rows have keys: a part's is shorter than what it counts for.
    let keys = rules.keys.len() as u64 * 2 * rules.key_capacity();
    let fixed = 64 * 32 + 4_096;
    usize::try_from(origins + forced + keys + fixed).unwrap_or(usize::MAX)
}
