use crate::{Rpc, process::PATIENCE};
use anyhow::{Context, ensure};
use rollwright::core::{Address, B256};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Receives one wei per transfer, so that its balance counts them.
pub(crate) const TO: Address = Address::new([
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa, 0x11, 0xce,
]);

/// What a node has acknowledged, over all of its lives.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Transactions that it took: sender and nonce.
    pub(crate) sent: BTreeMap<B256, (u32, u64)>,
    /// Receipts that it showed: block number and hash.
    pub(crate) receipts: BTreeMap<B256, (u64, B256)>,
    /// Blocks that it showed as its latest.
    pub(crate) blocks: BTreeMap<u64, B256>,
    /// Blocks that it called safe.
    pub(crate) safe: BTreeMap<u64, B256>,
    /// Blocks that it called finalized.
    pub(crate) finalized: BTreeMap<u64, B256>,
}

/// A ledger that the load writes to while the node runs.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Ledger>>);

/// How much is checked again at each start; the rest is checked at the end.
const RECENT: usize = 400;

impl Shared {
    /// The ledger.
    pub fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Checks what was acknowledged against a node that has started again; the
    /// newest entries, or all. Of blocks up to `below`, a snapshot's, a node
    /// need not know anything.
    pub fn check(&self, rpc: &Rpc, all: bool, below: u64) -> anyhow::Result<()> {
        let limit = if all { usize::MAX } else { RECENT };
        for (name, blocks) in [
            ("latest", &self.blocks),
            ("safe", &self.safe),
            ("finalized", &self.finalized),
        ] {
            let newest: Vec<_> = blocks.range(below + 1..).rev().take(limit).collect();
            let numbers: Vec<Value> = newest
                .iter()
                .map(|(number, _)| json!([format!("{number:#x}"), false]))
                .collect();
            let found = rpc.batch("eth_getBlockByNumber", &numbers)?;
            for ((number, hash), block) in newest.into_iter().zip(found) {
                ensure!(
                    block["hash"] == hash.to_string(),
                    "block {number} was shown as {name} with hash {hash}, is now {}",
                    block["hash"]
                );
            }
        }
        let mut newest = by_number(&self.receipts, limit, |(number, _)| *number);
        newest.retain(|(_, (number, _))| *number > below);
        let hashes: Vec<Value> = newest.iter().map(|(hash, _)| json!([hash])).collect();
        let found = rpc.batch("eth_getTransactionReceipt", &hashes)?;
        for ((hash, (number, block)), receipt) in newest.into_iter().zip(found) {
            ensure!(
                receipt["blockHash"] == block.to_string() && receipt["status"] == "0x1",
                "{hash} was included in block {number} {block}, now its receipt is {receipt}"
            );
        }
        let mut newest = by_number(&self.sent, limit, |(_, nonce)| *nonce);
        newest.retain(|(hash, _)| {
            let included = self.receipts.get(*hash);
            included.is_none_or(|(number, _)| *number > below)
        });
        let hashes: Vec<Value> = newest.iter().map(|(hash, _)| json!([hash])).collect();
        let found = rpc.batch("eth_getTransactionByHash", &hashes)?;
        for ((hash, (from, nonce)), transaction) in newest.into_iter().zip(found) {
            ensure!(
                !transaction.is_null(),
                "{hash} (account {from}, nonce {nonce}) was taken, and is not known any more"
            );
        }
        Ok(())
    }

    /// Waits until everything that was taken is included; then checks all of
    /// the ledger, and that each transfer took effect once: the receiver has
    /// one wei per nonce that was used.
    pub fn settle(&mut self, rpc: &Rpc, senders: u32) -> anyhow::Result<u64> {
        let until = Instant::now() + PATIENCE;
        loop {
            let missing: Vec<B256> = self
                .sent
                .keys()
                .filter(|hash| !self.receipts.contains_key(*hash))
                .copied()
                .collect();
            if missing.is_empty() {
                break;
            }
            let params: Vec<Value> = missing.iter().map(|hash| json!([hash])).collect();
            let found = rpc.batch("eth_getTransactionReceipt", &params)?;
            for (hash, receipt) in missing.iter().zip(&found) {
                self.note_receipt(*hash, receipt)?;
            }
            ensure!(
                Instant::now() < until,
                "{} transactions were taken and are not included, the first is {:?} {:?}",
                missing.len(),
                missing.first(),
                missing.first().and_then(|hash| self.sent.get(hash))
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        self.check(rpc, true, 0)?;
        let mut used = 0;
        for from in 0..senders {
            used += nonce(rpc, from, "latest")?;
        }
        let balance = rpc.call("eth_getBalance", &json!([TO, "latest"]))?;
        let balance = number(&balance).context("a balance")?;
        ensure!(
            balance == used,
            "{used} nonces were used, but {balance} wei arrived"
        );
        ensure!(
            used >= self.sent.len() as u64,
            "{} transactions were taken, {used} nonces were used",
            self.sent.len()
        );
        Ok(used)
    }

    /// Notes a receipt that the node showed; null is none.
    pub(crate) fn note_receipt(&mut self, hash: B256, receipt: &Value) -> anyhow::Result<()> {
        if receipt.is_null() {
            return Ok(());
        }
        let at = number(&receipt["blockNumber"]).context("a receipt without block")?;
        let block: B256 = receipt["blockHash"]
            .as_str()
            .context("a receipt without block hash")?
            .parse()?;
        self.receipts.insert(hash, (at, block));
        Ok(())
    }
}

/// The newest entries by a number in them.
fn by_number<V>(
    entries: &BTreeMap<B256, V>,
    limit: usize,
    number: impl Fn(&V) -> u64,
) -> Vec<(&B256, &V)> {
    let mut list: Vec<_> = entries.iter().collect();
    list.sort_by_key(|(_, value)| std::cmp::Reverse(number(value)));
    list.truncate(limit);
    list
}

/// A hexadecimal quantity.
pub(crate) fn number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// The next nonce of a development account.
pub(crate) fn nonce(rpc: &Rpc, from: u32, block: &str) -> anyhow::Result<u64> {
    let address = rollwright::evm::genesis::dev_account(from)
        .context("no such account")?
        .address;
    let found = rpc.call("eth_getTransactionCount", &json!([address, block]))?;
    number(&found).context("a nonce")
}
