//! `rollwright import`

use crate::{
    args::Import,
    failure::{Failure, file},
    ui::{Console, Progress},
};
use rollwright::{
    core::LayerError,
    ethereum::EthereumChain,
    evm::import::{ChainFile, ImportError, Imported, Phase, Totals, import},
};
use serde_json::json;
use std::{
    fs::File,
    io::BufReader,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Verifies chain files block by block and keeps what is valid.
pub(crate) fn run(console: &Console, args: &Import) -> Result<(), Failure> {
    let memory = usize::try_from(args.memory.0).unwrap_or(usize::MAX);
    let chain = EthereumChain::create(&args.datadir, &args.genesis, memory)?;
    let begun = Instant::now();
    let spent = Arc::new(Mutex::new(Spent::new(begun)));
    let mut totals = Totals::default();
    let mut last = None;
    for path in &args.files {
        let imported = one(console, &chain, path, &spent)?;
        totals = sum(totals, imported.totals);
        last = Some(imported.head);
        if let Some(error) = imported.stopped {
            report(console, totals, last, &spent, args.stats);
            return Err(refused(&error).at(path.display().to_string()));
        }
    }
    report(console, totals, last, &spent, args.stats);
    Ok(())
}

fn one(
    console: &Console,
    chain: &EthereumChain,
    path: &Path,
    spent: &Arc<Mutex<Spent>>,
) -> Result<Imported, Failure> {
    let input = File::open(path).map_err(|error| file("opening the chain file", path, &error))?;
    let observer = Arc::clone(spent);
    let mut importer = chain
        .importer()
        .map_err(|error| refused(&error))?
        .observed_by(move |phase| {
            let mut spent = observer.lock().unwrap_or_else(PoisonError::into_inner);
            spent.enter(phase, Instant::now());
        });
    let mut progress = Progress::start(console, "imported block", None);
    let result = import(
        &mut importer,
        chain.engine().store(),
        ChainFile::new(BufReader::with_capacity(1 << 20, input)),
        &mut |_, head| progress.at(console, head.number, None),
    );
    progress.finish();
    result.map_err(|error| refused(&error))
}

fn report(
    console: &Console,
    totals: Totals,
    head: Option<rollwright::core::BlockRef>,
    spent: &Mutex<Spent>,
    stats: bool,
) {
    let mut spent = spent.lock().unwrap_or_else(PoisonError::into_inner).clone();
    spent.enter(Phase::Idle, Instant::now());
    let seconds = spent.all().as_secs_f64();
    let rate = totals.gas as f64 / 1e6 / seconds.max(1e-9);
    let mut text = format!(
        "imported {} blocks ({} were here already), {} transactions, {:.1} Mgas in {seconds:.2} s: {rate:.0} Mgas/s",
        totals.blocks,
        totals.known,
        totals.transactions,
        totals.gas as f64 / 1e6,
    );
    let shares = spent.shares();
    if stats {
        let shares: Vec<String> = shares
            .iter()
            .map(|(name, share)| format!("{name} {:.0} %", share * 100.0))
            .collect();
        text.push_str(&format!("\n{}", shares.join(", ")));
    }
    if let Some(head) = head {
        text.push_str(&format!(
            "\nhead {} {}, safe and final",
            head.number, head.hash
        ));
    }
    let shares: serde_json::Map<_, _> = shares
        .iter()
        .map(|(name, share)| ((*name).to_owned(), json!(share)))
        .collect();
    let data = json!({
        "blocks": totals.blocks,
        "known": totals.known,
        "transactions": totals.transactions,
        "gas": totals.gas,
        "bytes": totals.bytes,
        "seconds": seconds,
        "mgasPerSecond": rate,
        "shares": shares,
        "head": head,
    });
    console.result(&text, &data);
}

fn refused(error: &ImportError) -> Failure {
    let failure = Failure::layer(error);
    match error.code() {
        "RW-EVM-401" => failure.help(
            "the blocks before it were kept; with another file the import goes on behind them",
        ),
        _ => failure,
    }
}

const fn sum(a: Totals, b: Totals) -> Totals {
    Totals {
        blocks: a.blocks + b.blocks,
        known: a.known + b.known,
        transactions: a.transactions + b.transactions,
        gas: a.gas.saturating_add(b.gas),
        bytes: a.bytes + b.bytes,
    }
}

/// Time by phase.
#[derive(Clone, Debug)]
struct Spent {
    phase: Phase,
    since: Instant,
    /// In the order of [`NAMES`].
    spent: [Duration; 4],
}

const NAMES: [&str; 4] = ["execution", "root", "commit", "reading"];

impl Spent {
    const fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Idle,
            since: now,
            spent: [Duration::ZERO; 4],
        }
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        let place = match self.phase {
            Phase::Execution => 0,
            Phase::Root => 1,
            Phase::Commit => 2,
            Phase::Idle => 3,
        };
        self.spent[place] += now.duration_since(self.since);
        self.since = now;
        self.phase = phase;
    }

    fn all(&self) -> Duration {
        self.spent.iter().sum()
    }

    fn shares(&self) -> [(&'static str, f64); 4] {
        let all = self.all().as_secs_f64().max(1e-9);
        let share = |place: usize| (NAMES[place], self.spent[place].as_secs_f64() / all);
        [share(0), share(1), share(2), share(3)]
    }
}
