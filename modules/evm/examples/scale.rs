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

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, KECCAK_EMPTY, Nibbles, TrieAccount};
use rollwright_core::{
    Account, AccountChange, BlockEffects, BlockRecord, BlockRef, Changes, Header, Heads,
};
use rollwright_evm::store::{
    NewAccount, NewBlock, Store, StoreOptions,
    kv::{FjallKv, FjallOptions},
    snapshot,
};
use std::{
    error::Error,
    fs::{self, File},
    io::{BufReader, BufWriter},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

const SLOTS: u64 = 1_000;
const TOUCHED: u64 = 2_000;

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

fn address(n: u64) -> Address {
    let mut bytes = [0u8; 20];
    bytes[4..12].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    bytes.into()
}

fn is_contract(n: u64) -> bool {
    n % SLOTS == 0
}

fn slot(n: u64) -> B256 {
    U256::from(n).into()
}

fn account(n: u64) -> Account {
    Account {
        nonce: n % 50,
        balance: U256::from(n) * U256::from(1_000_000_007_u64),
        code_hash: KECCAK_EMPTY,
    }
}

fn slots(n: u64) -> Vec<(B256, U256)> {
    if !is_contract(n) {
        return Vec::new();
    }
    let mut slots: Vec<_> = (0..SLOTS)
        .map(|at| (keccak256(slot(at)), U256::from(n + at + 1)))
        .collect();
    slots.sort_unstable();
    slots
}

fn make(directory: &Path, count: u64) -> Outcome<()> {
    let start = Meter::start();
    let mut order: Vec<(B256, u32)> = (0..count)
        .map(|n| (keccak256(address(n)), n as u32))
        .collect();
    order.sort_unstable();
    let mut builder = HashBuilder::default();
    for (hashed, n) in &order {
        let n = u64::from(*n);
        let mut storage = HashBuilder::default();
        for (key, value) in slots(n) {
            storage.add_leaf(Nibbles::unpack_array(&key.0), &alloy_rlp::encode(value));
        }
        let account = account(n);
        let root = if is_contract(n) {
            storage.root()
        } else {
            EMPTY_ROOT_HASH
        };
        let leaf = TrieAccount::new(account.nonce, account.balance, root, account.code_hash);
        builder.add_leaf(Nibbles::unpack_array(&hashed.0), &alloy_rlp::encode(leaf));
    }
    let root = builder.root();
    start.report("roots by alloy's hash builder");
    let start = Meter::start();
    let kv = FjallKv::open(directory, FjallOptions::default())?;
    let store = Store::open(Arc::new(kv.clone()), StoreOptions::default())?;
    let (block, _) = block(BlockRef::default(), 0, root);
    let mut accounts = order.into_iter().map(|(hashed, n)| NewAccount {
        hashed,
        account: account(n.into()),
        slots: slots(n.into()),
    });
    store.load(block, &mut accounts, &mut std::iter::empty())?;
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
    for n in 0..blocks {
        let parent = store.heads()?.latest;
        let changes = changes(&store, &mut dice, count, parent)?;
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

/// 2,000 accounts and 2,000 slots at random.
fn changes(store: &Store, dice: &mut Dice, count: u64, at: BlockRef) -> Outcome<Changes> {
    let view = store.state_at(&at)?;
    let mut changed = std::collections::BTreeMap::new();
    for _ in 0..TOUCHED {
        let address = address(dice.roll(count));
        let mut account = view.account(address)?.unwrap_or_default();
        account.nonce += 1;
        changed.insert(address, change(account));
    }
    for _ in 0..TOUCHED {
        let address = address(dice.roll(count.div_ceil(SLOTS)) * SLOTS);
        let value = U256::from(dice.roll(u64::MAX) + 1);
        let account = view.account(address)?.unwrap_or_default();
        let entry = changed.entry(address).or_insert_with(|| change(account));
        entry.storage.push((slot(dice.roll(SLOTS)), value));
    }
    for change in changed.values_mut() {
        change.storage.sort_unstable();
        change.storage.dedup_by_key(|(key, _)| *key);
    }
    Ok(Changes {
        accounts: changed.into_iter().collect(),
        codes: Vec::new(),
    })
}

fn change(account: Account) -> AccountChange {
    AccountChange {
        account: Some(account),
        storage_cleared: false,
        storage: Vec::new(),
    }
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

fn block(parent: BlockRef, seed: u64, state_root: B256) -> (NewBlock, BlockRef) {
    let number = if parent == BlockRef::default() {
        0
    } else {
        parent.number + 1
    };
    let header = Header {
        number,
        parent_hash: parent.hash,
        state_root,
        timestamp: number,
        difficulty: U256::from(seed),
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        ..Header::default()
    };
    let at = BlockRef {
        number,
        hash: header.hash_slow(),
    };
    let record = BlockRecord {
        block: at,
        parent,
        timestamp: number,
        fee_recipient: Address::ZERO,
        state_root,
        gas_used: 0,
        anchor: None,
        forced_included: Vec::new(),
        forced: Vec::new(),
        transactions: Vec::new(),
        input_hash: keccak256(at.hash),
    };
    let new = NewBlock {
        header,
        record,
        transaction_hashes: Vec::new(),
        senders: Vec::new(),
        effects: BlockEffects {
            receipts: Vec::new(),
            outbox_root: EMPTY_ROOT_HASH,
            mailbox_events: Vec::new(),
        },
    };
    (new, at)
}

struct Dice(u64);

impl Dice {
    /// xorshift64*
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 1) % sides
    }
}

#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    fn start() -> Self {
        Self {
            cpu: cpu(),
            wall: Instant::now(),
        }
    }

    fn cost(&self) -> Cost {
        Cost {
            wall: self.wall.elapsed(),
            cpu: cpu().saturating_sub(self.cpu),
        }
    }

    fn report(&self, what: &str) {
        let cost = self.cost();
        println!(
            "{what}: {:.0} ms wall, {:.0} ms CPU; memory: {}",
            ms(cost.wall),
            ms(cost.cpu),
            memory()
        );
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// CPU time of all threads of this process that live, to the nanosecond.
fn cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let nanos: u64 = tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(nanos)
}

/// Resident memory now, and at most.
fn memory() -> String {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.map_or_else(|| "?".into(), |kib| format!("{} MiB", kib >> 10))
    };
    format!("{}, peak {}", field("VmRSS"), field("VmHWM"))
}
