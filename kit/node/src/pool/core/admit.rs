//! What a newcomer must satisfy, and who leaves for it.

use super::{Pool, PoolTx, SenderQueue, WorthKey};
use alloy_primitives::B256;
use rollwright_core::{Admission, SubmitError};
use std::cmp::Reverse;

impl Pool {
    pub(super) fn check_alone(
        &self,
        admission: &Admission,
        tx: &PoolTx,
    ) -> Result<(), SubmitError> {
        if self.by_hash.contains_key(&tx.hash) || self.replay.contains(&tx.hash) {
            return Err(SubmitError::AlreadyKnown(tx.hash));
        }
        if tx.len() > self.config.max_transaction_bytes {
            return Err(SubmitError::Invalid(format!(
                "transaction of {} bytes is longer than the {} that this node takes",
                tx.len(),
                self.config.max_transaction_bytes
            )));
        }
        if tx.max_fee_per_gas < self.config.min_fee_per_gas {
            return Err(SubmitError::Invalid(format!(
                "fee cap of {} wei per gas is below this node's minimum of {}",
                tx.max_fee_per_gas, self.config.min_fee_per_gas
            )));
        }
        if admission.max_cost > admission.balance {
            return Err(SubmitError::InsufficientFunds(format!(
                "insufficient funds for gas * price + value: balance {}, needed {}",
                admission.balance, admission.max_cost
            )));
        }
        Ok(())
    }

    pub(super) fn check_replacement(&self, old: &PoolTx, new: &PoolTx) -> Result<(), SubmitError> {
        let bump = |fee: u128| {
            let percent = u128::from(self.config.replacement_percent);
            // Rounded up, and always more than before.
            fee.saturating_add(fee.saturating_mul(percent).div_ceil(100).max(1))
        };
        let cap = bump(old.max_fee_per_gas);
        let tip = bump(old.max_priority_fee_per_gas);
        if new.max_fee_per_gas >= cap
            && (new.max_priority_fee_per_gas >= tip || old.max_priority_fee_per_gas == 0)
        {
            return Ok(());
        }
        Err(SubmitError::Underpriced {
            required: if new.max_fee_per_gas < cap { cap } else { tip },
        })
    }

    /// Evicts until `tx` fits, or refuses and evicts nothing.
    pub(super) fn make_room(
        &mut self,
        tx: &PoolTx,
        account_nonce: u64,
    ) -> Result<Vec<B256>, SubmitError> {
        let queue = self.senders.get(&tx.sender);
        let replaced = queue
            .and_then(|queue| queue.get(tx.nonce))
            .map(|old| old.tx.len());
        let ready = queue.map_or(tx.nonce == account_nonce, |queue| {
            queue.would_be_ready(tx.nonce)
        });
        let mut victims = Vec::new();
        let mut count = self.by_hash.len() + usize::from(replaced.is_none());
        let mut bytes = self.bytes + tx.len() - replaced.unwrap_or(0);

        // A sender at its limit may fill a gap at the cost of its last one.
        if let Some(queue) = queue
            && replaced.is_none()
            && queue.len() >= self.config.max_per_sender
        {
            match queue.last() {
                Some(last) if last.tx.nonce > tx.nonce => {
                    victims.push((tx.sender, last.tx.nonce));
                    count -= 1;
                    bytes -= last.tx.len();
                }
                _ => {
                    return Err(SubmitError::PoolFull(format!(
                        "sender {} has {} transactions waiting already",
                        tx.sender, self.config.max_per_sender
                    )));
                }
            }
        }
        let newcomer: WorthKey = (ready, tx.max_fee_per_gas, Reverse(u64::MAX));
        let full = count > self.config.max_transactions || bytes > self.config.max_bytes;
        if full {
            // One victim per sender and pass: its last transaction.
            for (worth, sender) in &self.worth {
                if count <= self.config.max_transactions && bytes <= self.config.max_bytes {
                    break;
                }
                if *worth >= newcomer {
                    break;
                }
                if *sender == tx.sender {
                    continue;
                }
                if let Some(last) = self.senders.get(sender).and_then(SenderQueue::last) {
                    victims.push((*sender, last.tx.nonce));
                    count -= 1;
                    bytes -= last.tx.len();
                }
            }
            if count > self.config.max_transactions || bytes > self.config.max_bytes {
                return Err(SubmitError::PoolFull(format!(
                    "the pool is full ({} transactions, {} bytes) of transactions that pay more",
                    self.by_hash.len(),
                    self.bytes
                )));
            }
        }
        Ok(victims
            .into_iter()
            .filter_map(|(sender, nonce)| self.take_out(sender, nonce))
            .map(|victim| victim.tx.hash)
            .collect())
    }
}
