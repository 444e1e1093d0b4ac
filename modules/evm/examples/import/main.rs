//! How fast ordinary blocks are imported, and what takes the time.
//!
//! ```sh
//! just import-speed 300
//! ```
//!
//! Makes a chain of that many blocks in memory (about 23 Mgas each: transfers,
//! tokens, contracts that write), then imports it into a store on disk as
//! `rollwright import` does, and prints CPU time per phase of the importing
//! thread, and of the whole process: signatures are recovered ahead on other
//! threads, and the database writes on its own.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement; it tells what it does"
)]

mod blocks;

use rollwright_evm::{
    engine::{EvmConfig, EvmEngine},
    import::{ChainFile, Importer, Phase, import},
};
use std::{
    fs,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Accounts of the genesis state beside the senders.
const ACCOUNTS: u64 = 30_000;

/// CPU time of the importing thread by phase.
#[derive(Default)]
struct Shares {
    spent: [Duration; 4],
    phase: usize,
    since: Duration,
}

impl Shares {
    fn enter(&mut self, phase: Phase) {
        let now = thread_cpu();
        self.spent[self.phase] += now.saturating_sub(self.since);
        self.since = now;
        self.phase = match phase {
            Phase::Execution => 0,
            Phase::Root => 1,
            Phase::Commit => 2,
            Phase::Idle => 3,
        };
    }
}

fn main() {
    let count = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(300);
    let genesis = blocks::genesis(ACCOUNTS);
    let maker = EvmEngine::in_memory(genesis.clone()).expect("opens");
    let file = blocks::make(&maker, count, ACCOUNTS);
    drop(maker);

    let folder = tempfile::tempdir().expect("a folder");
    let engine = EvmEngine::open(EvmConfig::at(genesis, folder.path())).expect("opens");
    engine.init().expect("genesis");
    let shares = Arc::new(Mutex::new(Shares {
        phase: 3,
        since: thread_cpu(),
        ..Shares::default()
    }));
    let observer = Arc::clone(&shares);
    let store = engine.store().clone();
    let mut importer = Importer::open(store.clone(), Arc::clone(engine.chain_config()))
        .expect("opens")
        .observed_by(move |phase| observer.lock().expect("one thread").enter(phase));
    let (cpu, begun) = (process_cpu(), Instant::now());
    let imported = import(
        &mut importer,
        &store,
        ChainFile::new(&file[..]),
        &mut |_, _| (),
    );
    let (wall, cpu) = (begun.elapsed(), process_cpu().saturating_sub(cpu));
    let imported = imported.expect("imports");
    assert!(imported.stopped.is_none(), "{:?}", imported.stopped);
    let totals = imported.totals;
    let [execution, root, commit, idle] = shares.lock().expect("one thread").spent;
    let busy = execution + root + commit;
    let rate = |time: Duration| totals.gas as f64 / 1e6 / time.as_secs_f64();
    let share = |part: Duration| 100.0 * part.as_secs_f64() / busy.as_secs_f64();
    println!(
        "{} blocks, {} transactions, {:.0} Mgas, {:.1} MB",
        totals.blocks,
        totals.transactions,
        totals.gas as f64 / 1e6,
        totals.bytes as f64 / 1e6
    );
    println!(
        "wall                 {:>7.0} ms  {:>5.0} Mgas/s",
        ms(wall),
        rate(wall)
    );
    println!(
        "CPU, all threads     {:>7.0} ms  {:>5.0} Mgas/s",
        ms(cpu),
        rate(cpu)
    );
    println!(
        "CPU, importing       {:>7.0} ms  {:>5.0} Mgas/s",
        ms(busy),
        rate(busy)
    );
    for (what, part) in [("execution", execution), ("root", root), ("commit", commit)] {
        println!("  {what:<18} {:>7.0} ms  {:>5.1} %", ms(part), share(part));
    }
    println!("  waiting for blocks {:>7.0} ms", ms(idle));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    on_cpu("/proc/thread-self/schedstat").unwrap_or_default()
}

/// CPU time of all threads of this process, those that ended too, to the
/// hundredth of a second.
fn process_cpu() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn on_cpu(path: &str) -> Option<Duration> {
    let text = fs::read_to_string(path).ok()?;
    let nanos = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
