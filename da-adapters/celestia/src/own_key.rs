//! Posting with keys of our own through a consensus node, exactly once.
//!
//! Bytes, hash and sequence of a transaction are written down before it is
//! broadcast. Whatever happens then, the same bytes are broadcast again, or
//! others under the same sequence, of which a block can hold one; a unit gets
//! another sequence only once its own is used by something else and its blobs
//! are in no block up to there.

mod consensus;
mod grpc;
mod policy;
mod sequence;
mod sign;

pub(crate) use consensus::Consensus;

use crate::{
    CelestiaConfig, CelestiaError, GasPrice, bytes_in,
    client::Inner,
    journal::{OwnChange, OwnState, OwnUnit, UnitRecord},
    pay::Payer,
};
use celestia_types::state::AccAddress;
use consensus::NotTaken;
use policy::{Situation, Step, TxStatus};
use rollwright_core::PostingUnit;
use std::sync::{Arc, atomic::Ordering};

/// Most steps that one call takes for a unit.
const MAX_STEPS: usize = 16;

/// The keys that pay, and the nodes that take what they sign.
#[derive(Debug)]
pub(crate) struct OwnKey {
    consensus: Arc<dyn Consensus>,
    payers: Vec<Payer>,
    estimate: bool,
    max_spend: Option<u64>,
    granter: Option<AccAddress>,
    network: String,
}

/// A unit that is being worked on.
struct Work<'a> {
    unit: &'a PostingUnit,
    record: &'a mut UnitRecord,
    mine: OwnUnit,
    payer: &'a Payer,
    head: u64,
    now_ms: u64,
}

impl OwnKey {
    /// `None` where the configuration names no key.
    pub(crate) fn new(
        config: &CelestiaConfig,
        consensus: Option<Arc<dyn Consensus>>,
    ) -> Result<Option<Self>, CelestiaError> {
        let Some(own) = &config.own_key else {
            return Ok(None);
        };
        let refuse = |key, reason: &str| CelestiaError::Config {
            key,
            reason: reason.to_owned(),
        };
        let mut payers: Vec<Payer> = Vec::new();
        for key in &own.keys {
            let payer = alloy_primitives::hex::decode(key.trim())
                .ok()
                .and_then(|bytes| Payer::from_bytes(&bytes))
                .ok_or_else(|| {
                    refuse(
                        "signer",
                        "it is not a secp256k1 key of 32 bytes in hexadecimal",
                    )
                })?;
            if payers
                .iter()
                .any(|known| known.address() == payer.address())
            {
                return Err(refuse("accounts", "a key stands there twice"));
            }
            payers.push(payer);
        }
        if payers.is_empty() {
            return Err(refuse(
                "signer",
                "it is missing: point it at a file or a variable",
            ));
        }
        let granter = own
            .fee_granter
            .as_ref()
            .map(|text| text.parse::<AccAddress>())
            .transpose()
            .map_err(|_| refuse("fee-granter", "it is no address such as celestia1…"))?;
        let consensus = match consensus {
            Some(consensus) => consensus,
            None => Arc::new(grpc::Grpc::new(&own.grpc, config.request_timeout)?),
        };
        Ok(Some(Self {
            consensus,
            payers,
            estimate: own.estimate,
            max_spend: own.max_spend_per_day,
            granter,
            network: config.network.clone(),
        }))
    }

    pub(crate) fn address(&self) -> Option<AccAddress> {
        self.payers.first().map(Payer::address)
    }

    /// What the accounts have together, in utia.
    pub(crate) async fn balance(&self) -> Result<u64, CelestiaError> {
        let mut sum = 0u64;
        for payer in &self.payers {
            let balance = self.consensus.balance(&payer.address()).await?;
            sum = sum.saturating_add(balance);
        }
        Ok(sum)
    }

    fn payer(&self, account: [u8; 20]) -> Result<&Payer, CelestiaError> {
        self.payers
            .iter()
            .find(|payer| key_of(&payer.address()) == account)
            .ok_or_else(|| CelestiaError::Config {
                key: "signer",
                reason: format!(
                    "what was signed with the key of {} is still open, and that key is no longer configured: add it to `accounts` until it is included",
                    celestia_address(account)
                ),
            })
    }
}

/// An address as the journal keys by it.
fn key_of(address: &AccAddress) -> [u8; 20] {
    use celestia_types::state::AddressTrait;
    let mut key = [0; 20];
    let bytes = address.as_bytes();
    if bytes.len() == key.len() {
        key.copy_from_slice(bytes);
    }
    key
}

fn celestia_address(account: [u8; 20]) -> String {
    tendermint::account::Id::try_from(account.to_vec())
        .map(|id| AccAddress::new(id).to_string())
        .unwrap_or_default()
}

impl Inner {
    /// Brings a unit that is not included a step further.
    pub(crate) async fn advance_own(
        &self,
        own: &OwnKey,
        unit: &PostingUnit,
        record: &mut UnitRecord,
        head: u64,
    ) -> Result<(), CelestiaError> {
        let wait = self.config.ttl_blocks + self.config.margin_blocks;
        // What a node was handed before keys of our own were used.
        if record.attempts.last().is_some_and(|last| {
            !last.refused && !last.included && head < last.sent_at.saturating_add(wait)
        }) {
            return Ok(());
        }
        let mine = match self.journal.own(unit.id)? {
            Some(mine) => mine,
            None => OwnUnit {
                account: self.idlest(own)?,
                ..OwnUnit::default()
            },
        };
        let payer = own.payer(mine.account)?;
        let mut work = Work {
            unit,
            record,
            mine,
            payer,
            head,
            now_ms: self.clock.now_ms(),
        };
        let placed = work.record.placed.len();
        work.mine.change(|last| {
            if last.state == OwnState::Open && placed >= (last.first + last.blobs) as usize {
                last.state = OwnState::Included;
            }
        });
        self.run(own, &mut work).await
    }

    /// The account with the fewest open sequences, the first of equals.
    fn idlest(&self, own: &OwnKey) -> Result<[u8; 20], CelestiaError> {
        let mut best = None;
        for payer in &own.payers {
            let account = key_of(&payer.address());
            let open = self.journal.reserved(account)?.len();
            if best.is_none_or(|(fewest, _)| open < fewest) {
                best = Some((open, account));
            }
        }
        Ok(best.map(|(_, account)| account).unwrap_or_default())
    }

    fn situation(&self, work: &Work<'_>, committed: Option<u64>) -> Situation {
        Situation {
            head: work.head,
            scanned: work.record.scanned,
            committed,
            wait: self.config.ttl_blocks + self.config.margin_blocks,
            margin: self.config.margin_blocks,
            gas: self.gas_left(work.unit, work.record),
            cap: self.config.max_gas_price,
        }
    }

    async fn run(&self, own: &OwnKey, work: &mut Work<'_>) -> Result<(), CelestiaError> {
        let mut committed = None;
        let mut status: Option<TxStatus> = None;
        for _ in 0..MAX_STEPS {
            let Some(last) = work.mine.last().cloned() else {
                return self.sign_next(own, work).await;
            };
            let step = match last.state {
                OwnState::Included | OwnState::Failed | OwnState::Taken => {
                    return self.sign_next(own, work).await;
                }
                OwnState::Released => return self.sign_after_release(own, work, &last).await,
                OwnState::Rejected if work.head > last.sent_at => {
                    let price = self.price(own).await?;
                    return self
                        .sign_again(own, work, price.max(GasPrice::from_micro(last.price)))
                        .await;
                }
                OwnState::Rejected => return Ok(()),
                OwnState::Open => {
                    let told = match &status {
                        Some(told) => told.clone(),
                        None => own.consensus.status(last.hash).await?,
                    };
                    status = Some(told.clone());
                    policy::on_status(&self.situation(work, committed), &last, told)
                }
            };
            match step {
                Step::AskAccount => {
                    let account = own.consensus.account(&work.payer.address()).await?;
                    committed = Some(
                        self.journal
                            .committed(work.mine.account, account.sequence)?,
                    );
                }
                Step::Consumed => {
                    // A failure of ours may be what used it, under an older hash.
                    if let Some(end) = self.older_failure(own, work, last.sequence).await? {
                        return self.end(work, OwnState::Failed, end);
                    }
                    let head = self.chain.head(&self.endpoints).await?.height.0;
                    work.mine.change(|last| last.consumed_at = Some(head));
                    return self.save(work, OwnChange::default());
                }
                Step::Broadcast => return self.broadcast(own, work).await,
                Step::SignAgain { price, most } => {
                    work.record.most = most;
                    return self.sign_again(own, work, price).await;
                }
                step => return self.settle(work, step),
            }
        }
        Ok(())
    }

    /// A failed transaction of this unit under the same sequence, signed before
    /// the newest one.
    async fn older_failure(
        &self,
        own: &OwnKey,
        work: &Work<'_>,
        sequence: u64,
    ) -> Result<Option<CelestiaError>, CelestiaError> {
        for attempt in &work.mine.attempts {
            if attempt.sequence == sequence
                && let TxStatus::Failed { height, code, text } =
                    own.consensus.status(attempt.hash).await?
                && work.record.scanned >= height
            {
                return Ok(Some(CelestiaError::ExecutionFailed { code, text }));
            }
        }
        Ok(None)
    }

    /// Broadcasts the newest attempt's bytes, and acts on what the node says.
    async fn broadcast(&self, own: &OwnKey, work: &mut Work<'_>) -> Result<(), CelestiaError> {
        for _ in 0..MAX_STEPS {
            let Some(last) = work.mine.last().cloned() else {
                return Ok(());
            };
            let answer = own.consensus.broadcast(last.tx.clone()).await;
            let head = work.head;
            let refused = match answer {
                Ok(()) | Err(NotTaken::Refused(CelestiaError::AlreadyPending)) => {
                    work.mine.change(|last| {
                        last.accepted = true;
                        last.broadcasts += 1;
                        last.sent_at = head;
                    });
                    self.flights.succeeded();
                    return self.save(work, OwnChange::default());
                }
                Err(NotTaken::Open(error)) => {
                    work.mine.change(|last| {
                        last.broadcasts += 1;
                        last.sent_at = head;
                    });
                    self.save(work, OwnChange::default())?;
                    return Err(error);
                }
                Err(NotTaken::Refused(error)) => self.flights.count(error),
            };
            tracing::info!(target: "celestia", error = %refused, sequence = last.sequence, "a consensus node refused a transaction");
            match policy::on_refusal(&self.situation(work, None), &last, refused) {
                Step::SignAgain { price, most } => {
                    work.record.most = most;
                    self.replace(own, work, price).await?;
                }
                Step::BroadcastFrom(lowest) => {
                    if !self
                        .broadcast_below(own, work, lowest, last.sequence)
                        .await?
                    {
                        let error = CelestiaError::SequenceMismatch {
                            expected: lowest,
                            got: last.sequence,
                        };
                        return self.settle(work, Step::HoldBytes(error));
                    }
                }
                step => return self.settle(work, step),
            }
        }
        Ok(())
    }

    /// Writes down what a step means, and reports it.
    fn settle(&self, work: &mut Work<'_>, step: Step) -> Result<(), CelestiaError> {
        let head = work.head;
        match step {
            Step::Wait
            | Step::AskAccount
            | Step::Consumed
            | Step::Broadcast
            | Step::SignAgain { .. } => Ok(()),
            Step::BroadcastFrom(expected) => {
                let got = work.mine.last().map_or(0, |last| last.sequence);
                Err(held(CelestiaError::SequenceMismatch { expected, got }))
            }
            Step::End(state, error) => {
                let error = match error {
                    CelestiaError::KeyInUse { sequence, .. } => CelestiaError::KeyInUse {
                        address: work.payer.address().to_string(),
                        sequence,
                    },
                    other => other,
                };
                self.end(work, state, error)
            }
            Step::Hold(error) => {
                work.mine.change(|last| {
                    last.state = OwnState::Rejected;
                    last.accepted = false;
                    last.sent_at = head;
                });
                self.save(work, OwnChange::default())?;
                Err(reported(error))
            }
            Step::HoldBytes(error) => {
                work.mine.change(|last| last.sent_at = head);
                self.save(work, OwnChange::default())?;
                Err(reported(error))
            }
            Step::TooLarge { max_bytes } => self.too_large(work, max_bytes),
            Step::Report(error) => Err(error),
        }
    }

    fn end(
        &self,
        work: &mut Work<'_>,
        state: OwnState,
        error: CelestiaError,
    ) -> Result<(), CelestiaError> {
        work.mine.change(|last| {
            last.state = state;
            last.tx = Vec::new();
        });
        self.save(work, OwnChange::default())?;
        Err(error)
    }

    /// One blob alone is more than the network takes: the sequence is free
    /// again, and the batch must be cut anew.
    fn too_large(&self, work: &mut Work<'_>, max_bytes: u64) -> Result<(), CelestiaError> {
        let bytes = work
            .unit
            .blobs
            .get(work.record.placed.len())
            .map_or(0, |blob| blob.data.len() as u64);
        let known = if max_bytes == 0 || max_bytes >= bytes {
            bytes / 2
        } else {
            max_bytes
        };
        let fits = bytes_in(known / 512).clamp(1, known.max(1));
        self.flights.max_blob_bytes.store(fits, Ordering::Relaxed);
        self.journal.set_max_blob_bytes(fits)?;
        let sequence = work.mine.last().map(|last| last.sequence);
        work.mine.change(|last| {
            last.state = OwnState::Released;
            last.tx = Vec::new();
        });
        self.save(
            work,
            OwnChange {
                release: sequence,
                ..OwnChange::default()
            },
        )?;
        Err(CelestiaError::TooLarge {
            bytes,
            max_bytes: fits,
        })
    }

    fn save(&self, work: &mut Work<'_>, change: OwnChange) -> Result<(), CelestiaError> {
        work.record.fee = work.mine.fees();
        self.journal
            .set_own(work.unit.id, Some(work.record), &work.mine, change)
    }
}

/// Nothing is dropped: the next block brings another try.
fn held(error: CelestiaError) -> CelestiaError {
    CelestiaError::Held(Box::new(error))
}

/// What a refusal is reported as: what passes by itself is held back.
fn reported(error: CelestiaError) -> CelestiaError {
    match error {
        CelestiaError::FeeCapReached { .. }
        | CelestiaError::OutOfFunds { .. }
        | CelestiaError::MempoolFull
        | CelestiaError::PreviouslyRejected
        | CelestiaError::SequenceMismatch { .. } => held(error),
        other => other,
    }
}

#[cfg(all(test, feature = "devnet"))]
mod tests;
