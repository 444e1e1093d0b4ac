//! Posting: units become transactions, each posted once. The journal is
//! written before anything leaves the process.

mod prepare;
mod tend;

use crate::{
    Error, EthereumDaConfig, Signer,
    fees::{BlobSchedule, Chooser},
    posting::Posting,
    reader::Reader,
    store::UnitRecord,
};
use alloy_eips::eip7594::BlobTransactionSidecarVariant;
use alloy_primitives::B256;
use rollwright_core::{Fee, PostingUnit, Submission, SubmissionStatus};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::Mutex;

/// Pools hold few blob transactions of one account.
const MAX_PENDING: usize = 8;

#[derive(Debug)]
pub(crate) struct Poster {
    config: Arc<EthereumDaConfig>,
    reader: Arc<Reader>,
    signer: Signer,
    chain_id: u64,
    schedule: BlobSchedule,
    work: Mutex<Work>,
}

/// What is known beside the journal; forgotten with the process.
#[derive(Debug, Default)]
struct Work {
    /// The newest L1 block up to which postings were looked after.
    seen: Option<B256>,
    /// Built sidecars of what waits, by nonce.
    sidecars: BTreeMap<u64, BlobTransactionSidecarVariant>,
    /// Nonces that are used, without a receipt of ours, by the height at which
    /// that was noticed.
    missing: BTreeMap<u64, u64>,
    chooser: Chooser,
    /// Units are looked through for old ones once per process.
    expired: bool,
}

impl Poster {
    pub(crate) fn new(
        config: Arc<EthereumDaConfig>,
        reader: Arc<Reader>,
        signer: Signer,
        chain_id: u64,
        schedule: BlobSchedule,
    ) -> Self {
        Self {
            config,
            reader,
            signer,
            chain_id,
            schedule,
            work: Mutex::default(),
        }
    }

    /// Posts a unit, or tells how far it is.
    ///
    /// Every call looks after all that waits, once per L1 block, so that
    /// asking for one unit keeps the earlier nonces going too.
    pub(crate) async fn submit(&self, unit: &PostingUnit) -> Result<Submission, Error> {
        let digest = self.check(unit)?;
        let mut work = self.work.lock().await;
        let head = self.reader.latest().await?;
        if work.seen != Some(head.hash()) {
            self.tend(&mut work, &head).await?;
            work.seen = Some(head.hash());
        }
        let record = match self.reader.store.unit(&unit.id)? {
            Some(record) if record.digest != digest => {
                return Err(Error::UnitConflict { unit: unit.id });
            }
            Some(record) => record,
            None => {
                let posted = self.post(&mut work, unit, digest, &head).await;
                if posted.is_err() {
                    // What is in the journal and perhaps in no pool is looked
                    // after with the next call.
                    work.seen = None;
                }
                posted?
            }
        };
        self.status(unit, &record)
    }

    fn status(&self, unit: &PostingUnit, record: &UnitRecord) -> Result<Submission, Error> {
        let mut blobs = Vec::with_capacity(unit.blobs.len());
        let mut paid: Option<u128> = Some(0);
        for nonce in &record.nonces {
            let posting = self.reader.store.posting(*nonce)?;
            match posting.as_ref().and_then(Posting::inclusion) {
                Some(inclusion) => {
                    blobs.extend_from_slice(&inclusion.blobs);
                    paid = paid.map(|sum| sum.saturating_add(inclusion.paid));
                }
                None => paid = None,
            }
        }
        Ok(Submission {
            unit: unit.id,
            status: match paid {
                Some(_) => SubmissionStatus::Included { blobs },
                None => SubmissionStatus::Accepted,
            },
            fee: paid.map(wei),
        })
    }
}

/// An amount of wei.
pub(crate) fn wei(amount: u128) -> Fee {
    Fee {
        amount,
        unit: "wei".into(),
    }
}
