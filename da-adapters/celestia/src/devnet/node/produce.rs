//! Blocks: what goes into the next one, and how it is made durable and told.

use super::{Node, Pending, TxPlace};
use crate::{
    CelestiaError,
    devnet::{
        accounts::{AccountState, code, refused},
        eds::ExtendedSquare,
        square::{Square, SquareBuilder},
        store::{Block, Ledger},
    },
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Blob transactions that a proposer puts into one block.
const MAX_UNITS: usize = 200;

impl Node {
    /// Makes a block of what waits. It is durable before its height is told.
    pub(crate) async fn mine(self: &Arc<Self>) -> Result<u64, CelestiaError> {
        let making = self.making.lock().await;
        let taken = self.take();
        let node = Arc::clone(self);
        let height = tokio::task::spawn_blocking(move || node.seal(taken))
            .await
            .map_err(|error| CelestiaError::Devnet(error.to_string()))??;
        drop(making);
        Ok(height)
    }

    /// Takes from the mempool what the next block holds, and drops what has
    /// waited for too long.
    fn take(&self) -> Vec<Pending> {
        let mut state = self.state.lock();
        let height = state.ledger.head + 1;
        let mut builder = SquareBuilder::new(self.config.max_width);
        let mut taken = Vec::new();
        let mut left = VecDeque::new();
        let withheld = self.faults.is_withheld();
        let mut next: BTreeMap<[u8; 20], u64> = BTreeMap::new();
        for mut pending in std::mem::take(&mut state.mempool) {
            if let Some((payer, sequence)) = pending.payer
                && height <= pending.since + self.config.mempool_ttl
            {
                let committed = state.accounts.get(&payer).map_or(0, |known| known.sequence);
                let expected = next.entry(payer).or_insert(committed);
                if sequence != *expected {
                    // What it followed was evicted.
                    let log = format!(
                        "account sequence mismatch, expected {expected}, got {sequence}: incorrect account sequence"
                    );
                    let place = TxPlace::Rejected(refused(code::SEQUENCE, log));
                    state.remember(pending.signed.hash, place);
                    continue;
                }
                *expected += 1;
            }
            if height > pending.since + self.config.mempool_ttl {
                state.remember(pending.signed.hash, TxPlace::Evicted);
                let hash = alloy_primitives::hex::encode_upper(pending.signed.hash);
                if let Some(reply) = pending.reply.take() {
                    let _ = reply.send(Err(format!(
                        "tx with hash {hash} was evicted from the mempool"
                    )));
                }
            } else if !withheld
                && taken.len() < MAX_UNITS
                && left.is_empty()
                && builder.push(pending.signed.unit.clone())
            {
                taken.push(pending);
            } else {
                // An account's transactions stay in the order of its sequence.
                left.push_back(pending);
            }
        }
        state.mempool = left;
        if state.mempool.is_empty() && taken.is_empty() {
            state.next_sequence = state.ledger.sequence;
        }
        self.mempool.send_replace(state.mempool.len());
        taken
    }

    pub(super) fn seal(&self, taken: Vec<Pending>) -> Result<u64, CelestiaError> {
        let mut builder = SquareBuilder::new(self.config.max_width);
        for pending in &taken {
            builder.push(pending.signed.unit.clone());
        }
        let square: Square = builder.build();
        let extended = ExtendedSquare::new(&square)
            .ok_or_else(|| CelestiaError::Devnet("the square is too wide".to_owned()))?;
        let (mut ledger, mut accounts, mut failing) = {
            let state = self.state.lock();
            (state.ledger.clone(), BTreeMap::new(), state.failing)
        };
        let parent = match ledger.head {
            0 => None,
            head => Some(self.block(head)?.ok_or_else(|| {
                CelestiaError::Devnet("the newest block is not in the file".to_owned())
            })?),
        };
        ledger.head += 1;
        let mut txs = Vec::new();
        let mut fees = 0u64;
        for pending in &taken {
            let mut outcome = 0;
            match pending.payer {
                None => {
                    ledger.sequence += 1;
                    fees = fees.saturating_add(pending.signed.fee);
                }
                Some((payer, sequence)) => {
                    let state = self.state.lock();
                    let before = state.accounts.get(&payer).copied();
                    let account = accounts
                        .entry(payer)
                        .or_insert(before.unwrap_or(AccountState {
                            number: 0,
                            sequence: 0,
                            balance: 0,
                        }));
                    account.sequence = sequence + 1;
                    account.balance = account.balance.saturating_sub(pending.signed.fee);
                    outcome = failing.take().unwrap_or(0);
                }
            }
            txs.push((pending.signed.hash, outcome));
        }
        ledger.balance = ledger.balance.saturating_sub(fees);
        let header = self.validators.header(
            parent.as_ref().map(|block| &block.header),
            &self.validators,
            self.clock.now_ms(),
            app_hash(&ledger),
            extended.dah().clone(),
        )?;
        self.store
            .append(&ledger, &header, &square, &accounts, &txs)?;
        let height = header.height();
        self.cache(&Arc::new(Block {
            header,
            square: extended,
        }));
        {
            let mut state = self.state.lock();
            // A balance that was set meanwhile stays.
            state.ledger.head = ledger.head;
            state.ledger.sequence = ledger.sequence;
            state.ledger.balance = state.ledger.balance.saturating_sub(fees);
            state.accounts.extend(accounts);
            state.failing = failing;
        }
        self.head.send_replace(height);
        for pending in taken {
            if let Some(reply) = pending.reply {
                let _ = reply.send(Ok(height));
            }
        }
        Ok(height)
    }

    /// A header for `height` that the validators signed as well.
    pub(crate) fn fork(
        &self,
        height: u64,
    ) -> Result<Option<celestia_types::ExtendedHeader>, CelestiaError> {
        if let Some(fork) = &self.state.lock().forks
            && fork.height() == height
        {
            return Ok(Some(fork.clone()));
        }
        let Some(block) = self.block(height)? else {
            return Ok(None);
        };
        let parent = match height {
            1 => None,
            _ => self.block(height - 1)?,
        };
        let fork = self.validators.header(
            parent.as_ref().map(|block| &block.header),
            &self.validators,
            block.time_ms(),
            *b"another state of the application",
            block.header.dah.clone(),
        )?;
        self.state.lock().forks = Some(fork.clone());
        Ok(Some(fork))
    }
}

/// A hash over what the application knows.
fn app_hash(ledger: &Ledger) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"rollwright-da-celestia/app/1");
    hasher.update(ledger.sequence.to_le_bytes());
    hasher.update(ledger.balance.to_le_bytes());
    hasher.finalize().into()
}
