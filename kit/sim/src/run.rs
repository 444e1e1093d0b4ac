use crate::{
    Plan, Violation, World,
    machine::{Chain, EvmChain, MemoryChain},
};
use alloy_primitives::B256;
use rollwright_derive::DeriveEvent;
use std::future::Future;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Commits to everything that happened.
    pub hash: B256,
    /// Everything that happened.
    pub lines: Vec<String>,
    /// What must never be, where it was.
    pub violation: Option<Violation>,
    /// What the run met.
    pub met: Met,
}

/// Counts of what a run met, to see that runs meet something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Derived blocks.
    pub blocks: u64,
    /// Applied batches.
    pub batches: u64,
    /// Acknowledged transactions.
    pub transactions: u64,
    /// Forced transactions that were included.
    pub forced: u64,
    /// Lapses.
    pub lapses: u64,
    /// Blobs that derivation dropped.
    pub dropped: u64,
    /// States of nodes that were compared.
    pub compared: u64,
    /// The largest state of a deriver, in bytes.
    pub largest_state: u64,
    /// The most polls of tasks at one instant.
    pub most_polls: u64,
}

impl Met {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            blocks: self.blocks + other.blocks,
            batches: self.batches + other.batches,
            transactions: self.transactions + other.transactions,
            forced: self.forced + other.forced,
            lapses: self.lapses + other.lapses,
            dropped: self.dropped + other.dropped,
            compared: self.compared + other.compared,
            largest_state: self.largest_state.max(other.largest_state),
            most_polls: self.most_polls.max(other.most_polls),
        }
    }
}

/// Runs something in virtual time, on this thread alone.
///
/// # Panics
///
/// Where the operating system gives no runtime.
pub fn in_virtual_time<F: Future>(make: impl FnOnce() -> F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(async { make().await }),
        Err(error) => panic!("no runtime: {error}"),
    }
}

/// Runs a plan from beginning to end.
pub fn run(plan: &Plan) -> Outcome {
    if plan.evm {
        in_virtual_time(|| run_on::<EvmChain>(plan.clone()))
    } else {
        in_virtual_time(|| run_on::<MemoryChain>(plan.clone()))
    }
}

async fn run_on<C: Chain>(plan: Plan) -> Outcome {
    let length = plan.length_ms;
    let mut world = World::<C>::new(plan);
    let mut result = world.pass(length).await;
    if result.is_ok() {
        result = world.settle().await;
    }
    let events = || world.judge.events().map(|(_, event)| event);
    let count = |wanted: fn(&DeriveEvent) -> bool| events().filter(|it| wanted(it)).count() as u64;
    let met = Met {
        blocks: world.judge.head().number,
        batches: count(|event| matches!(event, DeriveEvent::Batch(_))),
        transactions: world.users.acknowledged.len() as u64,
        forced: world.forced_user.included,
        lapses: count(|event| matches!(event, DeriveEvent::Lapsed)),
        dropped: count(|event| matches!(event, DeriveEvent::Dropped(_))),
        compared: world.oracle.compared,
        largest_state: world.oracle.largest_state as u64,
        most_polls: world.around.conductor.most_polls(),
    };
    Outcome {
        hash: world.around.trace.hash(),
        lines: world.around.trace.lines(),
        violation: result.err(),
        met,
    }
}
