//! What the mempool takes: signed transactions by a consensus node's rules,
//! and blobs for which the node's own account pays.

use super::{Answer, Node, Pending};
use crate::{
    GasPrice,
    devnet::{
        accounts::{Offered, Refused, code, refused},
        faults::Fault,
        square::SquareBuilder,
        tx::SignedUnit,
    },
};
use celestia_types::Blob;
use tokio::sync::oneshot;

impl Node {
    /// Takes a signed transaction into the mempool, by a consensus node's
    /// rules.
    pub(crate) fn offer(&self, bytes: &[u8]) -> Result<[u8; 32], (Option<[u8; 32]>, Refused)> {
        let limit = self.state.lock().max_tx_bytes;
        if bytes.len() as u64 > limit.saturating_add(limit / 64) {
            let log = format!(
                "tx size {} bytes is larger than the application's configured MaxTxSize of {limit} bytes for version 10: transaction size exceeds maximum allowed limit",
                bytes.len()
            );
            return Err((None, refused(code::EXCEEDS_SIZE, log)));
        }
        let offered = Offered::read(bytes).map_err(|error| (None, error))?;
        let hash = offered.hash;
        self.admit(offered).map_err(|error| (Some(hash), error))?;
        Ok(hash)
    }

    fn admit(&self, offered: Offered) -> Result<(), Refused> {
        let committed = self
            .store
            .tx(offered.hash)
            .map_err(|error| refused(code::DECODE, error.to_string()))?;
        let mut state = self.state.lock();
        let waits = |pending: &Pending| pending.signed.hash == offered.hash;
        if committed.is_some() || state.mempool.iter().any(waits) {
            return Err(refused(code::CACHED, "tx already exists in mempool"));
        }
        let Some(account) = state.accounts.get(&offered.signer).copied() else {
            let log = format!(
                "account {} does not exist: unknown address",
                offered.address
            );
            return Err(refused(code::UNKNOWN_ADDRESS, log));
        };
        if offered.gas_limit < offered.gas {
            let log = format!(
                "not enough gas to pay for blobs (minimum: {}, got: {}): insufficient fee",
                offered.gas, offered.gas_limit
            );
            return Err(refused(code::FEE, log));
        }
        let required =
            u64::try_from(state.min_gas_price.fee(offered.gas_limit)).unwrap_or(u64::MAX);
        if offered.fee < required {
            let log = format!(
                "insufficient minimum gas price for this node; got: {}utia, required: {required}utia (min gas price: {} utia/gas): insufficient fee",
                offered.fee,
                state.min_gas_price.as_f64()
            );
            return Err(refused(code::FEE, log));
        }
        let theirs = || {
            state.mempool.iter().filter(|pending| {
                pending
                    .payer
                    .is_some_and(|(payer, _)| payer == offered.signer)
            })
        };
        let expected = account.sequence + theirs().count() as u64;
        let spent: u64 = theirs().map(|pending| pending.signed.fee).sum();
        let balance = account.balance.saturating_sub(spent);
        if balance < offered.fee {
            let log = format!(
                "spendable balance {balance}utia is smaller than {}utia: insufficient funds",
                offered.fee
            );
            return Err(refused(code::FUNDS, log));
        }
        if offered.sequence != expected {
            let log = format!(
                "account sequence mismatch, expected {expected}, got {}: incorrect account sequence",
                offered.sequence
            );
            return Err(refused(code::SEQUENCE, log));
        }
        if !offered.is_signed(self.validators.chain_id(), account.number) {
            let log = format!(
                "signature verification failed; please verify account number ({}), sequence ({expected}) and chain-id ({}): unauthorized",
                account.number,
                self.validators.chain_id()
            );
            return Err(refused(code::UNAUTHORIZED, log));
        }
        if state.mempool.len() >= self.config.mempool_txs {
            let log = format!("mempool is full: number of txs {}", state.mempool.len());
            return Err(refused(code::FULL, log));
        }
        let mut probe = SquareBuilder::new(self.config.max_width);
        if !probe.push(offered.unit.clone()) {
            return Err(refused(
                code::TOO_LARGE,
                "the blobs do not fit the largest square: blob(s) too large",
            ));
        }
        state.gone.remove(&offered.hash);
        let since = state.ledger.head;
        state.mempool.push_back(Pending {
            payer: Some((offered.signer, offered.sequence)),
            signed: SignedUnit {
                unit: offered.unit,
                hash: offered.hash,
                fee: offered.fee,
            },
            since,
            reply: None,
        });
        self.mempool.send_replace(state.mempool.len());
        Ok(())
    }

    /// Takes a submission into the mempool. The receiver is told the height.
    pub(crate) fn submit(
        &self,
        blobs: &[Blob],
        price: Option<GasPrice>,
        max_price: Option<GasPrice>,
        fault: Option<&Fault>,
    ) -> Result<oneshot::Receiver<Answer>, String> {
        if blobs.is_empty() {
            return Err("blob: no blobs to submit".to_owned());
        }
        for blob in blobs {
            if blob.data.is_empty() {
                return Err("blob: zero blob size".to_owned());
            }
            if blob.namespace.is_reserved() {
                return Err("blob: namespace is reserved".to_owned());
            }
            blob.validate().map_err(|error| format!("blob: {error}"))?;
            if blob.signer.is_some_and(|signer| signer != self.address()) {
                return Err("blob: signer is not the one who pays".to_owned());
            }
        }
        let mut state = self.state.lock();
        let bytes: u64 = blobs.iter().map(|blob| blob.data.len() as u64).sum();
        if bytes > state.max_tx_bytes {
            return Err(format!(
                "blob: over size limit: tx too large, max size is {}, but got {bytes}",
                state.max_tx_bytes
            ));
        }
        let price = price.unwrap_or(state.min_gas_price);
        if let Some(max) = max_price
            && price > max
        {
            return Err(format!(
                "estimated gas price exceeds max gas price {}",
                max.as_f64()
            ));
        }
        let (sender, receiver) = oneshot::channel();
        let mut reply = Some(sender);
        let copies = if fault == Some(&Fault::Duplicate) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            if state.mempool.len() >= self.config.mempool_txs {
                return Err(format!(
                    "mempool is full: number of txs {}",
                    state.mempool.len()
                ));
            }
            let sequence = state.next_sequence;
            let signed = self
                .account
                .pay(self.validators.chain_id(), sequence, price, blobs.to_vec())
                .map_err(|error| error.to_string())?;
            let gas = crate::gas_of(blobs.iter().map(|blob| blob.data.len() as u64));
            let required = u64::try_from(state.min_gas_price.fee(gas)).unwrap_or(u64::MAX);
            if signed.fee < required {
                return Err(format!(
                    "insufficient fees; got: {}utia required: {required}utia: insufficient fee",
                    signed.fee
                ));
            }
            let spent: u64 = state.mempool.iter().map(|pending| pending.signed.fee).sum();
            let balance = state.ledger.balance.saturating_sub(spent);
            if balance < signed.fee {
                return Err(format!(
                    "account {}: spendable balance {balance}utia is smaller than {}utia: insufficient funds",
                    self.address(),
                    signed.fee
                ));
            }
            let mut probe = SquareBuilder::new(self.config.max_width);
            if !probe.push(signed.unit.clone()) {
                return Err("blob: over size limit: the block is smaller".to_owned());
            }
            state.next_sequence += 1;
            let since = state.ledger.head;
            state.mempool.push_back(Pending {
                signed,
                payer: None,
                since,
                reply: reply.take(),
            });
        }
        self.mempool.send_replace(state.mempool.len());
        Ok(receiver)
    }
}
