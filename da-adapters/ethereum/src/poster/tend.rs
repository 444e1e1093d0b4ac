//! Looking after what waits: at start, and whenever the L1 has moved.

use super::{Poster, Work, prepare::raw_blob};
use crate::{
    Cargo, Error, SealedHeader, codec,
    fees::Step,
    kzg,
    posting::{Action, Attempt, Inclusion, Posting, State, View},
    rpc::{Answer, Verdict},
    store::Content,
    transaction::{self, network_form},
};
use alloy_eips::eip7594::BlobTransactionSidecarVariant;
use rollwright_core::{DaBlockId, DaHeight};
use std::collections::BTreeMap;

impl Poster {
    pub(super) async fn tend(&self, work: &mut Work, head: &SealedHeader) -> Result<(), Error> {
        let store = &self.reader.store;
        if !work.expired {
            let kept = u64::try_from(self.config.keep_blobs.as_millis()).unwrap_or(u64::MAX);
            store.expire(self.reader.clock.now_ms().saturating_sub(kept))?;
            work.expired = true;
        }
        let open: Vec<Posting> = store
            .postings()?
            .into_iter()
            .filter(Posting::is_open)
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let finalized = self.reader.head().await?.finalized;
        let nonce = self
            .reader
            .rpc
            .nonce(self.signer.address(), "latest")
            .await?;
        let orphaned = self.orphaned(work, head, &open).await?;
        // The lowest nonce decides: in order.
        for mut posting in open {
            let receipt = match &posting.state {
                State::Pending if posting.nonce < nonce => self.receipt(&posting).await?,
                _ => None,
            };
            let canonical = match posting.inclusion() {
                Some(inclusion) => !orphaned.contains_key(&inclusion.block.height),
                None => true,
            };
            let view = View {
                nonce,
                receipt: receipt.is_some(),
                canonical,
                head: head.header().number,
                finalized: finalized.map(|block| block.height.0),
                missing_since: work.missing.get(&posting.nonce).copied(),
            };
            match posting.decide(&view) {
                Action::Keep => {}
                Action::Tend => {
                    work.missing.remove(&posting.nonce);
                    self.keep_in_pool(work, &mut posting, head).await?;
                }
                Action::Locate => {
                    work.missing.remove(&posting.nonce);
                    if let Some(inclusion) = receipt {
                        work.sidecars.remove(&posting.nonce);
                        posting.state = State::Included(inclusion);
                        store.update(&[posting])?;
                    }
                }
                Action::Missing => {
                    work.missing.entry(posting.nonce).or_insert(view.head);
                }
                Action::Foreign => {
                    return Err(Error::ForeignNonce {
                        address: self.signer.address(),
                        nonce: posting.nonce,
                        journal: store.path().display().to_string(),
                    });
                }
                Action::Undo => {
                    tracing::warn!(
                        target: "da",
                        nonce = posting.nonce,
                        "a posting's L1 block was reorganised away; it is sent again"
                    );
                    posting.state = State::Pending;
                    store.update(std::slice::from_ref(&posting))?;
                    if posting.nonce >= nonce {
                        self.keep_in_pool(work, &mut posting, head).await?;
                    } else if let Some(inclusion) = self.receipt(&posting).await? {
                        // Included again, in a block of the new chain.
                        posting.state = State::Included(inclusion);
                        store.update(&[posting])?;
                    }
                }
                Action::Finalise => {
                    if let State::Included(inclusion) = posting.state {
                        posting.state = State::Final(inclusion);
                        store.update(&[posting])?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Heights of postings' blocks that are not canonical any more. Nothing is
    /// asked where the L1 has only grown since the last time.
    async fn orphaned(
        &self,
        work: &Work,
        head: &SealedHeader,
        open: &[Posting],
    ) -> Result<BTreeMap<DaHeight, ()>, Error> {
        let mut orphaned = BTreeMap::new();
        if work.seen == Some(head.header().parent_hash) {
            return Ok(orphaned);
        }
        let blocks: BTreeMap<DaHeight, DaBlockId> = open
            .iter()
            .filter_map(|posting| Some(posting.inclusion()?.block))
            .map(|block| (block.height, block))
            .collect();
        // From the newest down: below a canonical block all are.
        for (height, block) in blocks.into_iter().rev() {
            if self.reader.is_canonical(block).await? {
                break;
            }
            orphaned.insert(height, ());
        }
        Ok(orphaned)
    }

    /// Where one of a posting's attempts was included, as read back from the
    /// verified block.
    async fn receipt(&self, posting: &Posting) -> Result<Option<Inclusion>, Error> {
        for attempt in posting.attempts.iter().rev() {
            let Some(receipt) = self.reader.rpc.receipt(attempt.hash).await? else {
                continue;
            };
            let block = DaBlockId {
                height: DaHeight(receipt.block_number.to()),
                hash: receipt.block_hash,
            };
            let blobs = match self.reader.places(block, attempt.hash).await {
                Ok(blobs) => blobs,
                // Moved between the two answers; the next block tells.
                Err(Error::NotCanonical { .. } | Error::Ahead { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            if blobs.len() != posting.commitments.len() {
                return Err(Error::Dishonest {
                    endpoint: "the preferred one".into(),
                    what: format!(
                        "the receipt of {} names block {}, which does not hold it",
                        attempt.hash, block.height
                    ),
                });
            }
            return Ok(Some(Inclusion {
                block,
                blobs,
                paid: receipt.paid(),
            }));
        }
        Ok(None)
    }

    /// Sends the newest attempt again where the pool has lost it, and offers
    /// more where it has become worth too little.
    async fn keep_in_pool(
        &self,
        work: &mut Work,
        posting: &mut Posting,
        head: &SealedHeader,
    ) -> Result<(), Error> {
        let (Some(newest), Some(offer)) = (posting.newest().cloned(), posting.offer()) else {
            return Ok(());
        };
        let rpc = &self.reader.rpc;
        let mut underpriced = false;
        if !rpc.knows(newest.hash).await? {
            let verdict = self.send(work, posting).await?.value;
            underpriced = verdict == Verdict::Underpriced;
        }
        let market = rpc.market(head.header()).await?;
        let offer = if underpriced {
            // The pool holds a higher attempt: as if this one was stuck.
            crate::fees::Offer {
                made_at: 0,
                ..offer
            }
        } else {
            offer
        };
        match self.config.fees.next(market, &offer, head.header().number) {
            Step::Keep => Ok(()),
            Step::Held(ceiling) => {
                tracing::warn!(
                    target: "da",
                    nonce = posting.nonce, setting = ceiling.key, needed = %ceiling.needed,
                    limit = %ceiling.limit, "a posting waits: the L1 is dearer than allowed"
                );
                Ok(())
            }
            Step::Replace(caps) => {
                tracing::info!(
                    target: "da",
                    nonce = posting.nonce, attempt = offer.step + 2, gas = %caps.gas,
                    blob_gas = %caps.blob, "a posting is replaced by a higher offer"
                );
                let cargo = self.cargo(posting)?;
                self.attempt(posting, cargo, caps, head)?;
                self.reader.store.update(std::slice::from_ref(posting))?;
                self.send(work, posting).await.map(drop)
            }
        }
    }

    /// What a posting carries, from the kept blobs.
    fn cargo(&self, posting: &Posting) -> Result<Cargo, Error> {
        if !posting.calldata {
            return Ok(Cargo::Blobs(posting.commitments.clone()));
        }
        let part = posting.commitments.first();
        let kept = part.map(|hash| self.reader.store.blob(hash)).transpose()?;
        match kept.flatten() {
            Some(Content::Payload(part)) => Ok(Cargo::Calldata(part)),
            _ => Err(self.lost(posting)),
        }
    }

    fn lost(&self, posting: &Posting) -> Error {
        Error::ForeignJournal {
            path: self.reader.store.path().to_owned(),
            found: format!("has lost the content of nonce {}", posting.nonce),
        }
    }

    /// Sends the newest attempt with its sidecar, which is built again where
    /// this process has not built it.
    pub(super) async fn send(
        &self,
        work: &mut Work,
        posting: &Posting,
    ) -> Result<Answer<Verdict>, Error> {
        let newest: Option<&Attempt> = posting.newest();
        let signed = newest.and_then(|attempt| transaction::decode(&attempt.signed));
        let signed = signed.ok_or_else(|| self.lost(posting))?;
        let sidecar = if posting.calldata {
            None
        } else {
            let known = work.sidecars.get(&posting.nonce).cloned();
            Some(match known {
                Some(sidecar) => sidecar,
                None => {
                    let sidecar = self.rebuilt(posting).await?;
                    work.sidecars.insert(posting.nonce, sidecar.clone());
                    sidecar
                }
            })
        };
        let raw = network_form(&signed, sidecar);
        let found = self.reader.rpc.send(&raw).await?;
        match &found.value {
            Verdict::Taken | Verdict::Known | Verdict::NonceUsed => {}
            verdict => tracing::warn!(
                target: "da",
                nonce = posting.nonce,
                endpoint = found.endpoint,
                ?verdict,
                "an execution node does not take a transaction"
            ),
        }
        Ok(found)
    }

    async fn rebuilt(&self, posting: &Posting) -> Result<BlobTransactionSidecarVariant, Error> {
        let mut payloads = Vec::with_capacity(posting.commitments.len());
        for hash in &posting.commitments {
            match self.reader.store.blob(hash)? {
                Some(Content::Payload(payload)) => payloads.push(payload),
                _ => return Err(self.lost(posting)),
            }
        }
        let form = self.config.sidecar;
        let build = move || {
            let mut raw = Vec::with_capacity(payloads.len());
            for payload in &payloads {
                raw.push(raw_blob(&codec::encode(payload)?)?);
            }
            Ok(kzg::sidecar(form, raw)?)
        };
        let task = tokio::task::spawn_blocking(build);
        task.await.unwrap_or(Err(Error::Closed))
    }
}
