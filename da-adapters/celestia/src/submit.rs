//! Posting over JSON-RPC, exactly once in effect.
//!
//! The node holds the key and tells no transaction hash, so a unit's identity
//! on Celestia is namespace and commitments. That a unit stands in a block is
//! known from the verified content of blocks alone; an answer to a submission
//! is a hint.

mod policy;

use crate::{
    CelestiaError, GasPrice, bytes_in,
    client::{Inner, utia},
    gas_of,
    journal::{Attempt, Place, UnitRecord},
    read::Content,
};
use alloy_primitives::{B256, keccak256};
use celestia_rpc::TxConfig;
use celestia_types::Blob;
use parking_lot::Mutex;
use policy::{Decision, decide};
use rollwright_core::{BlobRef, PostingUnit, Submission, SubmissionStatus, UnitId};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

/// Blocks that one call looks through.
const MAX_SCAN: u64 = 512;

type Outcome = Result<u64, CelestiaError>;

/// A submission that a node was given.
#[derive(Debug)]
struct Flight {
    task: JoinHandle<Outcome>,
    _guard: AbortOnDrop,
}

#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Submissions under way, and what was learned from those before.
#[derive(Debug)]
pub(crate) struct Flights {
    /// One unit's bookkeeping at a time.
    turn: tokio::sync::Mutex<()>,
    running: Mutex<HashMap<UnitId, Flight>>,
    outstanding: watch::Sender<usize>,
    pub(crate) max_blob_bytes: AtomicU64,
    /// Unknown answers, and mismatches of the sequence, in a row.
    failures: Mutex<BTreeMap<&'static str, u32>>,
}

impl Flights {
    pub(crate) fn new(max_blob_bytes: u64) -> Self {
        Self {
            turn: tokio::sync::Mutex::new(()),
            running: Mutex::default(),
            outstanding: watch::Sender::new(0),
            max_blob_bytes: AtomicU64::new(max_blob_bytes),
            failures: Mutex::default(),
        }
    }

    pub(crate) fn outstanding(&self) -> watch::Receiver<usize> {
        self.outstanding.subscribe()
    }

    /// Drops what is under way.
    pub(crate) fn end(&self) {
        self.running.lock().clear();
    }

    /// Counts an error among those of its kind in a row.
    pub(crate) fn count(&self, error: CelestiaError) -> CelestiaError {
        let mut failures = self.failures.lock();
        match error {
            CelestiaError::Unknown { text, .. } => {
                let times = failures.entry("unknown").or_default();
                *times += 1;
                CelestiaError::Unknown {
                    text,
                    times: *times,
                }
            }
            other => other,
        }
    }

    pub(crate) fn succeeded(&self) {
        self.failures.lock().clear();
    }
}

fn digest(unit: &PostingUnit) -> B256 {
    keccak256(borsh::to_vec(&unit.blobs).unwrap_or_default())
}

impl Inner {
    /// Posts a unit, or asks how far it is.
    pub(crate) async fn submit(
        this: &Arc<Self>,
        unit: &PostingUnit,
    ) -> Result<Submission, CelestiaError> {
        this.refuse_unfit(unit)?;
        let _turn = this.flights.turn.lock().await;
        let mut record = match this.journal.unit(unit.id)? {
            Some(record) if record.digest != digest(unit) => {
                return Err(CelestiaError::UnitConflict { unit: unit.id });
            }
            Some(record) => record,
            None => this.begin(unit).await?,
        };
        if !record.is_included() {
            let head = this.chain.head(&this.endpoints).await?.height.0;
            this.look(unit.id, &mut record, head).await?;
            if !record.is_included() {
                this.go_on(unit, &mut record, head).await?;
            }
        }
        Ok(answer(unit.id, &record))
    }

    /// Brings a unit a step further, with the node's key or one of our own.
    async fn go_on(
        self: &Arc<Self>,
        unit: &PostingUnit,
        record: &mut UnitRecord,
        head: u64,
    ) -> Result<(), CelestiaError> {
        #[cfg(feature = "grpc")]
        {
            if let Some(own) = &self.own_key {
                return Box::pin(self.advance_own(own, unit, record, head)).await;
            }
            // What was signed with a key of our own may still be included.
            let wait = self.config.ttl_blocks + self.config.margin_blocks;
            let mine = self.journal.own(unit.id)?;
            if mine
                .as_ref()
                .and_then(|mine| mine.last())
                .is_some_and(|last| {
                    last.state == crate::journal::OwnState::Open
                        && head < last.sent_at.saturating_add(wait)
                })
            {
                return Ok(());
            }
        }
        self.advance(unit, record, head).await
    }

    fn refuse_unfit(&self, unit: &PostingUnit) -> Result<(), CelestiaError> {
        if unit.blobs.is_empty() {
            return Err(CelestiaError::Empty("a posting unit without blobs"));
        }
        if unit.blobs.iter().any(|blob| blob.data.is_empty()) {
            return Err(CelestiaError::Empty("a posting unit with an empty blob"));
        }
        let max_bytes = self.flights.max_blob_bytes.load(Ordering::Relaxed);
        let largest = unit.blobs.iter().map(|blob| blob.data.len() as u64).max();
        match largest {
            Some(bytes) if bytes > max_bytes => Err(CelestiaError::TooLarge { bytes, max_bytes }),
            _ => Ok(()),
        }
    }

    /// The record of a unit that is seen for the first time; durable on
    /// return.
    async fn begin(self: &Arc<Self>, unit: &PostingUnit) -> Result<UnitRecord, CelestiaError> {
        let head = self.chain.head(&self.endpoints).await?.height.0;
        let blobs = self.blobs(unit, 0, unit.blobs.len()).await?;
        let record = UnitRecord {
            digest: digest(unit),
            commitments: blobs.iter().map(|blob| *blob.commitment.hash()).collect(),
            scanned: head,
            placed: Vec::new(),
            attempts: Vec::new(),
            most: u32::try_from(blobs.len()).unwrap_or(u32::MAX),
            fee: 0,
        };
        self.journal.set_unit(unit.id, &record)?;
        Ok(record)
    }

    /// Some of a unit's blobs with their commitments.
    pub(crate) async fn blobs(
        &self,
        unit: &PostingUnit,
        from: usize,
        count: usize,
    ) -> Result<Vec<Blob>, CelestiaError> {
        let namespace = self.config.namespace;
        let data: Vec<_> = unit
            .blobs
            .iter()
            .skip(from)
            .take(count)
            .map(|blob| blob.data.clone())
            .collect();
        let made = tokio::task::spawn_blocking(move || {
            data.into_iter()
                .map(|data| Blob::new(namespace, data.to_vec(), None))
                .collect::<Result<Vec<_>, _>>()
        });
        made.await
            .map_err(|error| error.to_string())
            .and_then(|blobs| blobs.map_err(|error| error.to_string()))
            .map_err(|text| CelestiaError::Unknown { text, times: 1 })
    }

    /// Looks for what is left of a unit in the blocks that were not looked at.
    async fn look(
        &self,
        id: UnitId,
        record: &mut UnitRecord,
        head: u64,
    ) -> Result<(), CelestiaError> {
        let last = head.min(record.scanned.saturating_add(MAX_SCAN));
        let before = record.clone();
        while record.scanned < last && !record.is_included() {
            let height = record.scanned + 1;
            let content = self.content(height).await?;
            self.place(record, &content)?;
            record.scanned = height;
        }
        if *record != before {
            if record.placed.len() > before.placed.len() {
                self.flights.succeeded();
                if let Some(last) = record.attempts.last_mut() {
                    last.included = true;
                }
            }
            self.journal.set_unit(id, record)?;
        }
        Ok(())
    }

    /// Places the unit's next blobs that a block holds, in order. A place
    /// belongs to one unit: two with equal bytes stand twice.
    fn place(&self, record: &mut UnitRecord, content: &Content) -> Result<(), CelestiaError> {
        let block = content.header.facts().id();
        for (index, placed) in (0u32..).zip(&content.content.blobs) {
            let wanted = record.commitments.get(record.placed.len());
            if wanted == Some(placed.blob.commitment.hash())
                && !self.journal.is_taken(block.height.0, index)?
            {
                record.placed.push(Place { block, index });
            }
        }
        Ok(())
    }

    /// Posts what is left, unless that may be under way already.
    async fn advance(
        self: &Arc<Self>,
        unit: &PostingUnit,
        record: &mut UnitRecord,
        head: u64,
    ) -> Result<(), CelestiaError> {
        let outcome = match self.landed(unit.id).await {
            Landing::InTheAir => return Ok(()),
            Landing::None => None,
            Landing::With(outcome) => Some(outcome),
        };
        let outcome = outcome.map(|outcome| outcome.map_err(|error| self.flights.count(error)));
        let left = record.commitments.len() - record.placed.len();
        let situation = policy::Situation {
            head,
            scanned: record.scanned,
            last: record.attempts.last().copied(),
            left: u32::try_from(left).unwrap_or(u32::MAX),
            most: record.most,
            gas: self.gas_left(unit, record),
            wait: self.config.ttl_blocks + self.config.margin_blocks,
            floor: self.config.gas_price,
            cap: self.config.max_gas_price,
        };
        match decide(&situation, outcome) {
            Decision::Wait => Ok(()),
            Decision::Post { price, most } => {
                record.most = most;
                self.post(unit, record, head, price).await
            }
            Decision::Refused(error) => {
                // Before any mempool had it: the next call may post again.
                if let Some(last) = record.attempts.last_mut() {
                    last.refused = true;
                }
                self.journal.set_unit(unit.id, record)?;
                Err(error)
            }
            Decision::TooLarge { max_bytes } => {
                let bytes = unit
                    .blobs
                    .get(record.placed.len())
                    .map_or(0, |blob| blob.data.len() as u64);
                // Where the node names no limit, half of what it refused.
                let known = if max_bytes == 0 || max_bytes >= bytes {
                    bytes / 2
                } else {
                    max_bytes
                };
                let fits = bytes_in(known / 512).clamp(1, known.max(1));
                self.flights.max_blob_bytes.store(fits, Ordering::Relaxed);
                self.journal.set_max_blob_bytes(fits)?;
                if let Some(last) = record.attempts.last_mut() {
                    last.refused = true;
                }
                self.journal.set_unit(unit.id, record)?;
                Err(CelestiaError::TooLarge {
                    bytes,
                    max_bytes: fits,
                })
            }
        }
    }

    /// Gas of the next transaction.
    pub(crate) fn gas_left(&self, unit: &PostingUnit, record: &UnitRecord) -> u64 {
        let most = usize::try_from(record.most).unwrap_or(usize::MAX);
        gas_of(
            unit.blobs
                .iter()
                .skip(record.placed.len())
                .take(most)
                .map(|blob| blob.data.len() as u64),
        )
    }

    /// Writes the attempt down, then hands the blobs to a node.
    async fn post(
        self: &Arc<Self>,
        unit: &PostingUnit,
        record: &mut UnitRecord,
        head: u64,
        price: GasPrice,
    ) -> Result<(), CelestiaError> {
        let most = usize::try_from(record.most.max(1)).unwrap_or(usize::MAX);
        let blobs = self.blobs(unit, record.placed.len(), most).await?;
        record.fee = record
            .fee
            .saturating_add(utia(price, self.gas_left(unit, record)).amount);
        record.attempts.push(Attempt {
            price: price.micro(),
            sent_at: head,
            blobs: u32::try_from(blobs.len()).unwrap_or(u32::MAX),
            refused: false,
            included: false,
        });
        self.journal.set_unit(unit.id, record)?;
        let endpoints = Arc::clone(&self.endpoints);
        let cap = self.config.max_gas_price;
        let outstanding = self.flights.outstanding.clone();
        outstanding.send_modify(|count| *count += 1);
        let counted = Counted(outstanding);
        let task = tokio::spawn(async move {
            let _counted = counted;
            let options = TxConfig::default()
                .with_gas_price(price.as_f64())
                .with_max_gas_price(cap.as_f64());
            endpoints.post(&blobs, options).await
        });
        let guard = AbortOnDrop(task.abort_handle());
        self.flights.running.lock().insert(
            unit.id,
            Flight {
                task,
                _guard: guard,
            },
        );
        Ok(())
    }

    /// What became of the unit's submission.
    async fn landed(&self, id: UnitId) -> Landing {
        let flight = {
            let mut running = self.flights.running.lock();
            match running.get(&id) {
                None => return Landing::None,
                Some(flight) if !flight.task.is_finished() => return Landing::InTheAir,
                Some(_) => running.remove(&id),
            }
        };
        let Some(flight) = flight else {
            return Landing::None;
        };
        Landing::With(
            flight
                .task
                .await
                .unwrap_or(Err(CelestiaError::ConfirmTimeout)),
        )
    }
}

enum Landing {
    None,
    InTheAir,
    With(Outcome),
}

/// One submission that waits for a node's answer, while it lives.
#[derive(Debug)]
struct Counted(watch::Sender<usize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

fn answer(unit: UnitId, record: &UnitRecord) -> Submission {
    let status = if record.is_included() {
        SubmissionStatus::Included {
            blobs: record
                .placed
                .iter()
                .zip(&record.commitments)
                .map(|(place, commitment)| BlobRef {
                    block: place.block,
                    index: place.index,
                    commitment: B256::from(*commitment),
                })
                .collect(),
        }
    } else {
        SubmissionStatus::Accepted
    };
    Submission {
        unit,
        status,
        fee: (record.fee > 0).then(|| rollwright_core::Fee {
            amount: record.fee,
            unit: "utia".to_owned(),
        }),
    }
}
