//! A new unit: checked, cut into transactions, priced, journaled, sent.

use super::{MAX_PENDING, Poster, Work};
use crate::{
    Cargo, Draft, Error, SealedHeader,
    codec::{self, BLOB_BYTES, MAX_PAYLOAD_BYTES},
    fees::{CalldataPrice, Caps, Market, blob_cost, calldata_cost},
    kzg::{self, SidecarForm},
    namespace::CALLDATA_PART,
    posting::{Attempt, Posting, State},
    rpc::Verdict,
    store::{Content, UnitRecord},
};
use alloy_eips::{
    eip2718::Encodable2718 as _, eip4844::Blob as RawBlob, eip7594::BlobTransactionSidecarVariant,
};
use alloy_primitives::{B256, Bytes, keccak256};
use rollwright_core::{Blob, DaLane, PostingUnit};

/// Most calldata of one transaction that common pools take.
const MAX_CALLDATA_BYTES: usize = 120 << 10;

const DAY_MS: u64 = 86_400_000;

/// What one transaction is to carry.
struct Load {
    lane: DaLane,
    cargo: Cargo,
    sidecar: Option<BlobTransactionSidecarVariant>,
    contents: Vec<(B256, Content)>,
}

impl Poster {
    /// What the unit must keep to; the digest of its content.
    pub(super) fn check(&self, unit: &PostingUnit) -> Result<B256, Error> {
        let max = self.max_blobs();
        if unit.blobs.is_empty() || unit.blobs.len() > max {
            let count = unit.blobs.len();
            return Err(Error::BlobCount { count, max });
        }
        for blob in &unit.blobs {
            let bytes = blob.data.len() as u64;
            let max_bytes = MAX_PAYLOAD_BYTES as u64;
            if bytes > max_bytes {
                return Err(Error::TooLarge {
                    what: "a blob",
                    bytes,
                    max_bytes,
                });
            }
        }
        let (bytes, max_bytes) = (unit.len_bytes(), self.config.max_unit_bytes());
        if bytes > max_bytes {
            return Err(Error::TooLarge {
                what: "a posting unit",
                bytes,
                max_bytes,
            });
        }
        let mut encoded = Vec::new();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut encoded, &unit.blobs);
        Ok(keccak256(encoded))
    }

    /// What the transactions that may wait at once can carry.
    fn max_blobs(&self) -> usize {
        MAX_PENDING * self.config.blobs_per_tx
    }

    /// Blobs that fit into one transaction now: as configured, and never more
    /// than a block takes.
    fn blobs_per_tx(&self, head: &SealedHeader) -> usize {
        let room = self.schedule.at(head.header().timestamp).max_blobs_per_tx;
        usize::try_from(room)
            .unwrap_or(usize::MAX)
            .clamp(1, self.config.blobs_per_tx)
    }

    /// Runs of blobs that travel together: of one lane, as many as fit.
    fn runs<'a>(&self, unit: &'a PostingUnit, head: &SealedHeader) -> Vec<&'a [Blob]> {
        let most = self.blobs_per_tx(head);
        unit.blobs
            .chunk_by(|a, b| a.lane == b.lane)
            .flat_map(|run| run.chunks(most))
            .collect()
    }

    /// What posting the unit would cost now, in wei.
    pub(crate) async fn estimate(&self, unit: &PostingUnit) -> Result<u128, Error> {
        self.check(unit)?;
        let head = self.reader.latest().await?;
        let market = self.reader.rpc.market(head.header()).await?;
        let transactions = self.runs(unit, &head).len() as u64;
        Ok(blob_cost(market, unit.blobs.len() as u64, transactions))
    }

    pub(super) async fn post(
        &self,
        work: &mut Work,
        unit: &PostingUnit,
        digest: B256,
        head: &SealedHeader,
    ) -> Result<UnitRecord, Error> {
        let (store, rpc) = (&self.reader.store, &self.reader.rpc);
        let known = store.postings()?;
        let waiting: Vec<&Posting> = known
            .iter()
            .filter(|posting| posting.is_pending())
            .collect();
        let runs = self.runs(unit, head);
        if waiting.len() + runs.len() > MAX_PENDING {
            return Err(Error::Full {
                address: self.signer.address(),
                pending: waiting.len(),
                max: MAX_PENDING,
            });
        }
        let market = rpc.market(head.header()).await?;
        let caps = self.config.fees.first(market).map_err(Error::FeeCeiling)?;
        let calldata = self.prefers_calldata(work, unit, head, market, &waiting);
        let loads = self.loads(&runs, calldata).await?;
        let first = self.next_nonce(&known).await?;
        let mut postings = Vec::new();
        let mut contents = Vec::new();
        let mut sidecars = Vec::new();
        for (nonce, load) in (first..).zip(loads) {
            let posting = self.intend(nonce, unit, &load, caps, head).await?;
            sidecars.push(load.sidecar);
            contents.extend(load.contents);
            postings.push(posting);
        }
        self.check_money(&known, &waiting, &postings).await?;
        let record = UnitRecord {
            digest,
            nonces: postings.iter().map(|posting| posting.nonce).collect(),
        };
        let now_ms = self.reader.clock.now_ms();
        store.prepare(&unit.id, &record, &postings, &contents, now_ms)?;
        for (posting, sidecar) in postings.iter().zip(sidecars) {
            if let Some(sidecar) = sidecar {
                work.sidecars.insert(posting.nonce, sidecar);
            }
        }
        for (sent, posting) in postings.iter().enumerate() {
            let found = self.send(work, posting).await?;
            if let (Verdict::Refused(message), 0) = (&found.value, sent) {
                // No node has it, and no later nonce was sent.
                store.withdraw(&unit.id, &record.nonces)?;
                work.sidecars.retain(|nonce, _| *nonce < first);
                return Err(Error::Refused {
                    endpoint: found.endpoint,
                    nonce: posting.nonce,
                    message: message.clone(),
                });
            }
        }
        Ok(record)
    }

    /// The first nonce that neither the journal nor the chain has used.
    async fn next_nonce(&self, known: &[Posting]) -> Result<u64, Error> {
        let ours = known.last().map_or(0, |posting| posting.nonce + 1);
        let account = self.signer.address();
        let chain = self.reader.rpc.nonce(account, "pending").await?;
        if chain > ours && !known.is_empty() {
            tracing::warn!(
                %account, ours, chain,
                "the posting account was used by somebody else; it should serve one process alone"
            );
        }
        Ok(ours.max(chain))
    }

    /// Whether the unit travels as calldata: only by price, one part, and with
    /// nothing of the other kind waiting, for pools do not mix them.
    fn prefers_calldata(
        &self,
        work: &mut Work,
        unit: &PostingUnit,
        head: &SealedHeader,
        market: Market,
        waiting: &[&Posting],
    ) -> bool {
        let [blob] = &unit.blobs[..] else {
            return false;
        };
        if !self.config.calldata_when_cheaper || blob.data.len() > MAX_CALLDATA_BYTES {
            return false;
        }
        let blobs = blob_cost(market, 1, 1);
        let calldata = calldata_cost(market, CalldataPrice::PRAGUE, &blob.data);
        let wins = work.chooser.calldata(head.header().number, blobs, calldata);
        wins && waiting.iter().all(|posting| posting.calldata)
    }

    /// Packs blobs and computes their commitments and proofs, off the
    /// runtime's threads.
    async fn loads(&self, runs: &[&[Blob]], calldata: bool) -> Result<Vec<Load>, Error> {
        if calldata {
            let part = |run: &&[Blob]| {
                let blob = run.first()?;
                Some(Load {
                    lane: blob.lane,
                    cargo: Cargo::Calldata(blob.data.clone()),
                    sidecar: None,
                    contents: vec![(keccak256(&blob.data), Content::Payload(blob.data.clone()))],
                })
            };
            return Ok(runs.iter().filter_map(part).collect());
        }
        let runs: Vec<Vec<Blob>> = runs.iter().map(|run| run.to_vec()).collect();
        let form = self.config.sidecar;
        let build = move || runs.iter().map(|run| load(form, run)).collect();
        let task = tokio::task::spawn_blocking(build);
        task.await.unwrap_or(Err(Error::Closed))
    }

    /// One nonce's record with its first attempt, signed and not yet sent.
    async fn intend(
        &self,
        nonce: u64,
        unit: &PostingUnit,
        load: &Load,
        caps: Caps,
        head: &SealedHeader,
    ) -> Result<Posting, Error> {
        let to = self.config.inbox.address(load.lane);
        let input = match &load.cargo {
            Cargo::Blobs(_) => Bytes::new(),
            Cargo::Calldata(part) => [&[CALLDATA_PART], &part[..]].concat().into(),
        };
        let from = self.signer.address();
        let gas = self.reader.rpc.gas(from, to, &input).await?;
        let mut posting = Posting {
            nonce,
            unit: unit.id,
            lane: load.lane,
            commitments: load.contents.iter().map(|(hash, _)| *hash).collect(),
            calldata: load.sidecar.is_none(),
            // A fifth more, for rules that change between now and inclusion.
            gas_limit: gas.saturating_add(gas / 5),
            made_ms: self.reader.clock.now_ms(),
            attempts: Vec::new(),
            state: State::Pending,
        };
        self.attempt(&mut posting, load.cargo.clone(), caps, head)?;
        Ok(posting)
    }

    /// Signs a further attempt of a posting.
    pub(super) fn attempt(
        &self,
        posting: &mut Posting,
        cargo: Cargo,
        caps: Caps,
        head: &SealedHeader,
    ) -> Result<(), Error> {
        let draft = Draft {
            chain_id: self.chain_id,
            nonce: posting.nonce,
            to: self.config.inbox.address(posting.lane),
            gas_limit: posting.gas_limit,
            caps,
            cargo,
        };
        let signed = draft.sign(&self.signer)?;
        posting.attempts.push(Attempt {
            hash: *signed.hash(),
            signed: signed.encoded_2718().into(),
            caps,
            made_at: head.header().number,
        });
        Ok(())
    }

    /// Refuses what the account cannot pay, or the operator does not want to.
    async fn check_money(
        &self,
        known: &[Posting],
        waiting: &[&Posting],
        new: &[Posting],
    ) -> Result<(), Error> {
        let sum = |costs: &mut dyn Iterator<Item = u128>| {
            costs.fold(0_u128, |sum, cost| sum.saturating_add(cost))
        };
        let next = sum(&mut new.iter().map(Posting::cost));
        let since = self.reader.clock.now_ms().saturating_sub(DAY_MS);
        let recent = known.iter().filter(|posting| posting.made_ms >= since);
        let spent = sum(&mut recent.map(Posting::cost));
        let limit = self.config.fees.max_spend_per_day;
        if spent.saturating_add(next) > limit {
            return Err(Error::SpendLimit { spent, next, limit });
        }
        let bound = sum(&mut waiting.iter().map(|posting| posting.cost()));
        let needed = bound.saturating_add(next);
        let address = self.signer.address();
        let balance = self.reader.rpc.balance(address).await?;
        if balance < needed {
            return Err(Error::OutOfFunds {
                address,
                balance,
                needed,
            });
        }
        Ok(())
    }
}

fn load(form: SidecarForm, run: &[Blob]) -> Result<Load, Error> {
    let mut raw = Vec::with_capacity(run.len());
    for blob in run {
        let bytes = codec::encode(&blob.data)?;
        raw.push(raw_blob(&bytes)?);
    }
    let sidecar = kzg::sidecar(form, raw)?;
    let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
    let payloads = run.iter().map(|blob| Content::Payload(blob.data.clone()));
    Ok(Load {
        lane: run.first().map_or(DaLane::Batch, |blob| blob.lane),
        contents: hashes.iter().copied().zip(payloads).collect(),
        cargo: Cargo::Blobs(hashes),
        sidecar: Some(sidecar),
    })
}

/// The blob as the library's value.
pub(super) fn raw_blob(bytes: &[u8]) -> Result<RawBlob, Error> {
    let wrong = |_| codec::CodecError::BlobLength { bytes: BLOB_BYTES };
    Ok(RawBlob::try_from(bytes).map_err(wrong)?)
}
