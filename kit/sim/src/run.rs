use crate::{
    Plan, Violation, World,
    machine::{Chain, EvmChain, MemoryChain},
};
use alloy_primitives::B256;
use parking_lot::Mutex;
use rollwright_derive::DeriveEvent;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};

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

/// Counts of what runs met, by name, to see that they meet something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met(pub BTreeMap<&'static str, u64>);

impl Met {
    /// How often it was met.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Adds what other runs met. Of what is largest, the larger.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            let sum = self.0.entry(what).or_default();
            *sum = match what.starts_with("largest") {
                true => (*sum).max(*count),
                false => *sum + count,
            };
        }
    }
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.0 {
            writeln!(f, "{count:>10} {what}")?;
        }
        Ok(())
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

fn met<C: Chain>(world: &World<C>) -> Met {
    let mut met = Met(world.around.trace.counts());
    let judge = &world.judge;
    let count = |wanted: fn(&DeriveEvent) -> bool| {
        let events = judge.events().filter(|(_, event)| wanted(event));
        events.count() as u64
    };
    let more = [
        ("derived block", judge.head().number),
        ("applied batch", judge.batches().count() as u64),
        (
            "batch over several DA blocks",
            judge
                .batches()
                .filter(|batch| {
                    let heights = batch.blobs.iter().map(|blob| blob.block.height);
                    heights.collect::<BTreeSet<_>>().len() > 1
                })
                .count() as u64,
        ),
        (
            "acknowledged transaction",
            world.users.acknowledged.len() as u64,
        ),
        ("included forced transaction", world.forced_user.included),
        ("forced transaction posted again", world.forced_user.again),
        (
            "batch on a further DA layer",
            judge
                .batches()
                .filter(|batch| batch.point.epoch > 0)
                .count() as u64,
        ),
        ("lapse", count(|event| matches!(event, DeriveEvent::Lapsed))),
        (
            "return after a lapse",
            count(|event| matches!(event, DeriveEvent::Returned)),
        ),
        ("comparison of a node's state", world.oracle.compared),
        (
            "largest state of a deriver, in bytes",
            world.oracle.largest_state as u64,
        ),
        (
            "largest number of polls at one instant",
            world.around.conductor.most_polls(),
        ),
    ];
    let codes = judge.codes().iter().map(|(code, count)| (*code, *count));
    met.0
        .extend(more.into_iter().chain(codes).filter(|(_, n)| *n > 0));
    met
}

async fn run_on<C: Chain>(plan: Plan) -> Outcome {
    let length = plan.length_ms;
    let mut world = World::<C>::new(plan);
    let mut result = world.pass(length).await;
    if result.is_ok() {
        result = world.settle().await;
    }
    let met = met(&world);
    Outcome {
        hash: world.around.trace.hash(),
        lines: world.around.trace.lines(),
        violation: result.err(),
        met,
    }
}

/// A plan that broke an invariant.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The plan.
    pub plan: Plan,
    /// What was found.
    pub violation: Violation,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seed = self.plan.seed;
        write!(f, "{}{}", self.plan, self.violation)?;
        if self.plan == Plan::random(seed) {
            let command = "cargo run -p rollwright-sim -- --seed";
            write!(f, "\n  replay and shrink: {command} {seed} --trace")?;
        }
        Ok(())
    }
}

/// Runs plans on so many threads. `told` hears of each failure as it comes.
///
/// Returns what all of them met, and the failures in the order of the plans.
pub fn run_all(
    plans: &[Plan],
    threads: usize,
    told: impl Fn(&Failed) + Sync,
) -> (Met, Vec<Failed>) {
    let next = AtomicUsize::new(0);
    let results = Mutex::new((Met::default(), BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(plan) = plans.get(at) else {
                        return;
                    };
                    let outcome = run(plan);
                    let mut results = results.lock();
                    results.0.add(&outcome.met);
                    if let Some(violation) = outcome.violation {
                        let plan = plan.clone();
                        let failed = Failed { plan, violation };
                        told(&failed);
                        results.1.insert(at, failed);
                    }
                }
            });
        }
    });
    let (met, failed) = results.into_inner();
    (met, failed.into_values().collect())
}
