use crate::{Rpc, RpcError, Shared, ledger};
use anyhow::Context;
use rollwright::core::{B256, U256};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
};

/// Accounts that send.
pub(crate) const SENDERS: u32 = 4;

/// Receipts asked for at once.
const ASKED: usize = 64;

/// Transfers that are sent, and what the node acknowledges, until the node is
/// gone or the load is ended.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Load {
    /// Begins on a node that has started. Every acknowledgement is in the
    /// ledger before the next request is made.
    pub fn begin(rpc: &Rpc, chain_id: u64, ledger: &Shared) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let sender = {
            let (rpc, ledger, stop) = (rpc.clone(), ledger.clone(), Arc::clone(&stop));
            std::thread::spawn(move || until_lost(send(&rpc, chain_id, &ledger, &stop)))
        };
        let watcher = {
            let (rpc, ledger, stop) = (rpc.clone(), ledger.clone(), Arc::clone(&stop));
            std::thread::spawn(move || until_lost(watch(&rpc, &ledger, &stop)))
        };
        Self {
            stop,
            threads: vec![sender, watcher],
        }
    }

    /// Ends it and waits. An error where the node answered nonsense.
    pub fn end(self) -> anyhow::Result<()> {
        self.stop.store(true, Relaxed);
        for thread in self.threads {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a thread of the load panicked"))??;
        }
        Ok(())
    }
}

/// A node that is gone ends the load; that is what the load is for.
fn until_lost(result: anyhow::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if matches!(error.downcast_ref(), Some(RpcError::Lost(_))) => Ok(()),
        result => result,
    }
}

fn send(rpc: &Rpc, chain_id: u64, ledger: &Shared, stop: &AtomicBool) -> anyhow::Result<()> {
    let mut nonces = Vec::new();
    for from in 0..SENDERS {
        nonces.push(ledger::nonce(rpc, from, "pending")?);
    }
    while !stop.load(Relaxed) {
        for (from, nonce) in (0..).zip(&mut nonces) {
            let raw = rollwright::testing::signed_transfer(
                chain_id,
                from,
                *nonce,
                ledger::TO,
                U256::from(1),
            )?;
            match rpc.call("eth_sendRawTransaction", &json!([raw])) {
                Ok(hash) => {
                    let hash: B256 = hash.as_str().context("no hash")?.parse()?;
                    ledger.lock().sent.insert(hash, (from, *nonce));
                    *nonce += 1;
                }
                // Full, halted or stopping: the node says so, and the load
                // goes on asking.
                Err(RpcError::Refused { .. }) => {
                    *nonce = ledger::nonce(rpc, from, "pending")?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

fn watch(rpc: &Rpc, ledger: &Shared, stop: &AtomicBool) -> anyhow::Result<()> {
    while !stop.load(Relaxed) {
        let heads = rpc.call("rollwright_heads", &json!([]))?;
        {
            let mut ledger = ledger.lock();
            note_head(&mut ledger.blocks, &heads["latest"])?;
            note_head(&mut ledger.safe, &heads["safe"])?;
            note_head(&mut ledger.finalized, &heads["finalized"])?;
        }
        let open: Vec<B256> = {
            let ledger = ledger.lock();
            let open = ledger.sent.iter();
            let mut open: Vec<_> = open
                .filter(|(hash, _)| !ledger.receipts.contains_key(*hash))
                .collect();
            open.sort_by_key(|(_, (_, nonce))| *nonce);
            open.into_iter()
                .take(ASKED)
                .map(|(hash, _)| *hash)
                .collect()
        };
        for hash in open {
            let receipt = rpc.call("eth_getTransactionReceipt", &json!([hash]))?;
            ledger.lock().note_receipt(hash, &receipt)?;
        }
    }
    Ok(())
}

fn note_head(
    heads: &mut std::collections::BTreeMap<u64, B256>,
    head: &Value,
) -> anyhow::Result<()> {
    let number = head["number"].as_u64().context("a head without number")?;
    let hash: B256 = head["hash"]
        .as_str()
        .context("a head without hash")?
        .parse()?;
    let known = *heads.entry(number).or_insert(hash);
    anyhow::ensure!(
        known == hash,
        "block {number} was shown with hash {known}, then with {hash}"
    );
    Ok(())
}
