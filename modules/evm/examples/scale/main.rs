//! The store under a large state: builds one, and measures what it costs.
//!
//! ```text
//! scale make   DIR ACCOUNTS          a chain with that many accounts, and as many slots
//! scale run    DIR [BLOCKS] [MIB]    open, read at random, blocks of 4,000 updates
//! scale check  DIR                   recompute every root from the flat state
//! scale export DIR FILE              write a snapshot
//! scale import DIR FILE              read it into a new directory
//! scale file   FILE                  check a snapshot without keeping it
//! ```
//!
//! Each step reports wall time, CPU time of the whole process, and its memory;
//! run each as a process of its own, so that they do not share their peaks.
//! A thousandth of the accounts are contracts, with 1,000 slots each.
#![expect(clippy::print_stdout, reason = "a command that prints its figures")]

mod meter;
mod state;

use meter::{Cost, Meter, memory, ms};
use rollwright_core::Heads;
use rollwright_evm::store::{
    Store, StoreOptions,
    kv::{FjallKv, FjallOptions},
    snapshot,
};
use state::{Dice, SLOTS, address, block, changes, slot};
use std::{
    error::Error,
    fs::{self, File},
    io::{BufReader, BufWriter},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// As in the `rollwright` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["make", directory, accounts] => make(Path::new(directory), accounts.parse()?),
        ["run", directory] => run(Path::new(directory), 40, None),
        ["run", directory, blocks] => run(Path::new(directory), blocks.parse()?, None),
        ["run", directory, blocks, mib] => {
            run(Path::new(directory), blocks.parse()?, Some(mib.parse()?))
        }
        ["check", directory] => {
            let (_, store) = open(Path::new(directory), None)?;
            let start = Meter::start();
            let found = store.check()?;
            start.report(&format!("check: {found:?}"));
            Ok(())
        }
        ["export", directory, file] => {
            let (_, store) = open(Path::new(directory), None)?;
            let head = store.heads()?.latest;
            let start = Meter::start();
            let mut out = BufWriter::new(File::create(file)?);
            let info = store.export(&head, &[], &mut out)?;
            drop(out);
            let bytes = fs::metadata(file)?.len();
            start.report(&format!(
                "export: {} accounts, {} slots, {} MiB",
                info.accounts,
                info.slots,
                bytes >> 20
            ));
            Ok(())
        }
        ["import", directory, file] => {
            let kv = FjallKv::open(Path::new(directory), FjallOptions::default())?;
            let store = Store::open(Arc::new(kv.clone()), StoreOptions::default())?;
            let start = Meter::start();
            let genesis = snapshot::manifest(&mut BufReader::new(File::open(file)?))?.genesis;
            let info = store.import(genesis, &mut BufReader::new(File::open(file)?))?;
            start.report(&format!("import: {} accounts", info.accounts));
            println!("disk: {} MiB", kv.disk_bytes()? >> 20);
            Ok(())
        }
        ["file", file] => {
            let start = Meter::start();
            let info = snapshot::check(None, &mut BufReader::new(File::open(file)?))?;
            start.report(&format!("check of the file: {} accounts", info.accounts));
            Ok(())
        }
        _ => Err("usage: scale make|run|check|export|import|file, see the top of the file".into()),
    }
}

fn make(directory: &Path, count: u64) -> Outcome<()> {
    let start = Meter::start();
    let order = state::accounts(count);
    let root = state::root(&order);
    start.report("roots by alloy's hash builder");
    let start = Meter::start();
    let kv = FjallKv::open(directory, FjallOptions::default())?;
    let store = Store::open(Arc::new(kv.clone()), StoreOptions::default())?;
    state::load(&store, order, root)?;
    start.report(&format!("{count} accounts loaded"));
    fs::write(directory.join("accounts"), count.to_string())?;
    println!("disk: {} MiB", kv.disk_bytes()? >> 20);
    Ok(())
}

fn open(directory: &Path, mib: Option<usize>) -> Outcome<(FjallKv, Store)> {
    let start = Meter::start();
    let (options, database) = match mib {
        Some(mib) => StoreOptions::within(mib << 20),
        None => (StoreOptions::default(), FjallOptions::default()),
    };
    let kv = FjallKv::open(directory, database)?;
    let store = Store::open(Arc::new(kv.clone()), options)?;
    start.report("open");
    Ok((kv, store))
}

fn run(directory: &Path, blocks: u64, mib: Option<usize>) -> Outcome<()> {
    let count: u64 = fs::read_to_string(directory.join("accounts"))?.parse()?;
    let (kv, store) = open(directory, mib)?;
    let mut dice = Dice(store.heads()?.latest.number + 1);
    reads(&store, &mut dice, count)?;
    let mut costs: Vec<[Cost; 3]> = Vec::new();
    let whole = Meter::start();
    let mut beside = Duration::ZERO;
    for n in 0..blocks {
        let parent = store.heads()?.latest;
        let meter = Meter::start();
        let changes = changes(&store, &mut dice, count, parent)?;
        beside += meter.cost().cpu;
        let meter = Meter::start();
        let prepared = store.prepare(&parent, changes)?;
        let root = meter.cost();
        let (new, at) = block(parent, n, prepared.state_root());
        let meter = Meter::start();
        store.insert(new, prepared)?;
        let insert = meter.cost();
        let meter = Meter::start();
        let heads = Heads {
            latest: at,
            safe: parent,
            finalized: parent,
        };
        store.set_heads(&heads, &[])?;
        costs.push([root, insert, meter.cost()]);
        // Blocks are not made back to back: let the database tidy up.
        std::thread::sleep(Duration::from_millis(50));
    }
    // With all that the database does in the background.
    let whole = whole.cost().cpu.saturating_sub(beside);
    println!(
        "whole: {:.1} ms CPU a block, mean over all",
        ms(whole) / blocks.max(1) as f64
    );
    // The first blocks meet cold tries.
    let warm = costs.split_off(costs.len() / 2);
    for (name, costs) in [("first half", costs), ("second half", warm)] {
        for (part, what) in ["root", "insert", "commit"].iter().enumerate() {
            let mut wall: Vec<_> = costs.iter().map(|cost| cost[part].wall).collect();
            let mut cpu: Vec<_> = costs.iter().map(|cost| cost[part].cpu).collect();
            wall.sort_unstable();
            cpu.sort_unstable();
            let middle = wall.len() / 2;
            println!(
                "{name}: {what}: median wall {:.1} ms, worst {:.1} ms; median CPU {:.1} ms, mean {:.1} ms",
                ms(wall[middle]),
                ms(wall[wall.len() - 1]),
                ms(cpu[middle]),
                ms(cpu.iter().sum::<Duration>() / cpu.len() as u32),
            );
        }
    }
    reads(&store, &mut dice, count)?;
    println!(
        "memory: {}; trie nodes {} MiB",
        memory(),
        store.trie_bytes() >> 20
    );
    println!("disk: {} MiB", kv.disk_bytes()? >> 20);
    Ok(())
}

/// 20,000 reads of accounts and slots that were not read before.
fn reads(store: &Store, dice: &mut Dice, count: u64) -> Outcome<()> {
    let view = store.state_at(&store.heads()?.latest)?;
    let meter = Meter::start();
    for _ in 0..10_000 {
        view.account(address(dice.roll(count)))?;
        let contract = address(dice.roll(count.div_ceil(SLOTS)) * SLOTS);
        view.slot(contract, slot(dice.roll(SLOTS)))?;
    }
    let cost = meter.cost();
    println!(
        "random reads: {:.1} µs wall, {:.1} µs CPU each",
        ms(cost.wall) / 20.0,
        ms(cost.cpu) / 20.0
    );
    Ok(())
}
