use super::{
    MemoryDaConfig, MemoryDaError, Mining,
    proof::{self, NamespaceRoot},
};
use crate::{
    Blob, BlobRef, DaBlock, DaBlockId, DaFinality, DaHead, DaHeader, DaHeight, Fee, PostedBlob,
    PostingUnit, Proof, Submission, SubmissionStatus, UnitId,
};
use alloy_primitives::{B256, keccak256};
use std::collections::{BTreeMap, VecDeque};

/// One block with everybody's blobs.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) header: DaHeader,
    /// Blobs by namespace, in posted order.
    blobs: BTreeMap<B256, Vec<Stored>>,
}

#[derive(Clone, Debug)]
struct Stored {
    blob: Blob,
    unit: UnitId,
}

/// A unit that was taken.
#[derive(Debug)]
struct Taken {
    blobs: Vec<Blob>,
    /// Where its first blobs stand, in order; all of them once it is included.
    placed: Vec<BlobRef>,
}

/// The chain that all handles share.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) config: MemoryDaConfig,
    /// Kept blocks, ascending; never empty.
    blocks: VecDeque<Block>,
    units: BTreeMap<(B256, UnitId), Taken>,
    /// Units that are not wholly in a block, in the order they were taken.
    queue: VecDeque<(B256, UnitId)>,
    finalized: Option<DaBlockId>,
    /// Rises with each reorganisation, so that no hash ever repeats.
    fork: u64,
    salt: u64,
    /// Clock time of the block that a clock made last.
    last_made_ms: Option<u64>,
}

impl Chain {
    pub(super) fn new(config: MemoryDaConfig) -> Self {
        let genesis = Self::seal(
            DaHeight(0),
            keccak256(&config.network),
            B256::ZERO,
            config.genesis_time,
            0,
            BTreeMap::new(),
        );
        let mut chain = Self {
            config,
            blocks: VecDeque::from([genesis]),
            units: BTreeMap::new(),
            queue: VecDeque::new(),
            finalized: None,
            fork: 0,
            salt: 0,
            last_made_ms: None,
        };
        chain.settle();
        chain
    }

    /// The hash commits to every header field, to `tag` and to the fork.
    fn seal(
        height: DaHeight,
        tag: B256,
        parent_hash: B256,
        time: u64,
        fork: u64,
        blobs: BTreeMap<B256, Vec<Stored>>,
    ) -> Block {
        let data_root = proof::data_root(&roots(&blobs));
        let mut input = b"rollwright/memory-da/v1".to_vec();
        input.extend_from_slice(tag.as_slice());
        input.extend_from_slice(&height.0.to_le_bytes());
        input.extend_from_slice(parent_hash.as_slice());
        input.extend_from_slice(&time.to_le_bytes());
        input.extend_from_slice(&fork.to_le_bytes());
        input.extend_from_slice(data_root.as_slice());
        Block {
            header: DaHeader {
                height,
                hash: keccak256(input),
                parent_hash,
                time,
                data_root,
            },
            blobs,
        }
    }

    fn tip(&self) -> DaHeader {
        self.blocks
            .back()
            .map(|block| block.header)
            .unwrap_or_default()
    }

    fn oldest(&self) -> DaHeight {
        self.blocks
            .front()
            .map(|block| block.header.height)
            .unwrap_or_default()
    }

    pub(super) fn head(&self) -> DaHead {
        DaHead {
            observed: self.tip().id(),
            finalized: self.finalized,
        }
    }

    pub(super) fn next_salt(&mut self) -> B256 {
        self.salt += 1;
        keccak256(self.salt.to_le_bytes())
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Makes the blocks that are due by the clock.
    pub(super) fn catch_up(&mut self) {
        let Mining::ByClock(clock) = &self.config.mining else {
            return;
        };
        let now = clock.now_ms();
        let step = u64::try_from(self.config.block_time.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let last = *self.last_made_ms.get_or_insert(now);
        let due = (now.saturating_sub(last) / step).min(1_024);
        for _ in 0..due {
            self.make_block();
        }
        self.last_made_ms = Some(last + due * step);
    }

    pub(super) fn make_block(&mut self) -> DaHeader {
        let tip = self.tip();
        let height = DaHeight(tip.height.0 + 1);
        let elapsed_ms = self.config.block_time.as_millis() * u128::from(height.0);
        let elapsed = u64::try_from(elapsed_ms / 1_000).unwrap_or(u64::MAX);
        let time = self.config.genesis_time.saturating_add(elapsed);
        let (blobs, placed) = self.take_waiting();
        let block = Self::seal(height, B256::ZERO, tip.hash, time, self.fork, blobs);
        let header = block.header;
        for (key, index, commitment) in placed {
            if let Some(taken) = self.units.get_mut(&key) {
                taken.placed.push(BlobRef {
                    block: header.id(),
                    index,
                    commitment,
                });
            }
        }
        let units = &self.units;
        self.queue.retain(|key| {
            units
                .get(key)
                .is_some_and(|taken| taken.placed.len() < taken.blobs.len())
        });
        self.blocks.push_back(block);
        self.settle();
        header
    }

    /// Waiting blobs in order, as many as one block holds.
    #[expect(clippy::type_complexity, reason = "used once, right below")]
    fn take_waiting(
        &self,
    ) -> (
        BTreeMap<B256, Vec<Stored>>,
        Vec<((B256, UnitId), u32, B256)>,
    ) {
        let mut blobs: BTreeMap<B256, Vec<Stored>> = BTreeMap::new();
        let mut placed = Vec::new();
        let mut bytes = 0u64;
        'units: for key in &self.queue {
            let Some(taken) = self.units.get(key) else {
                continue;
            };
            for blob in taken.blobs.iter().skip(taken.placed.len()) {
                bytes = bytes.saturating_add(blob.data.len() as u64);
                if bytes > self.config.max_block_bytes && !placed.is_empty() {
                    break 'units;
                }
                let ours = blobs.entry(key.0).or_default();
                placed.push((*key, ours.len() as u32, keccak256(&blob.data)));
                ours.push(Stored {
                    blob: blob.clone(),
                    unit: key.1,
                });
            }
        }
        (blobs, placed)
    }

    /// Moves finality forward, and prunes.
    fn settle(&mut self) {
        let tip = self.tip();
        let is_final = |header: &DaHeader| match self.config.finality {
            DaFinality::Instant => true,
            DaFinality::Depth(depth) => header.height.0.saturating_add(depth) <= tip.height.0,
            DaFinality::Gadget(after) => header.time.saturating_add(after.as_secs()) <= tip.time,
        };
        let newest = self
            .blocks
            .iter()
            .rev()
            .map(|block| block.header)
            .find(is_final);
        if let Some(newest) = newest
            && self.finalized.is_none_or(|old| newest.height > old.height)
        {
            self.finalized = Some(newest.id());
        }
        if let Some(keep) = self.config.retention_blocks {
            self.prune_below(DaHeight((tip.height.0 + 1).saturating_sub(keep.max(1))));
        }
    }

    pub(super) fn prune_below(&mut self, height: DaHeight) {
        while self.blocks.len() > 1 && self.oldest() < height {
            self.blocks.pop_front();
        }
    }

    pub(super) fn reorganise(&mut self, depth: u64, forget: bool) -> Result<(), MemoryDaError> {
        let tip = self.tip().height.0;
        let floor = self
            .finalized
            .map_or(0, |block| block.height.0)
            .max(self.oldest().0);
        let max_depth = tip - floor;
        if depth > max_depth {
            return Err(MemoryDaError::Final { depth, max_depth });
        }
        self.fork += 1;
        let kept = DaHeight(tip - depth);
        let mut orphaned = Vec::new();
        while self.tip().height > kept {
            let Some(block) = self.blocks.pop_back() else {
                break;
            };
            for (namespace, stored) in &block.blobs {
                orphaned.extend(stored.iter().map(|stored| (*namespace, stored.unit)));
            }
        }
        orphaned.sort_unstable();
        orphaned.dedup();
        // A unit that lost a blob waits again from that blob on, in front of
        // those that were taken later.
        let mut again = VecDeque::new();
        for key in orphaned {
            let Some(taken) = self.units.get_mut(&key) else {
                continue;
            };
            taken.placed.retain(|place| place.block.height <= kept);
            if forget && taken.placed.is_empty() {
                self.units.remove(&key);
            } else {
                again.push_back(key);
            }
        }
        let units = &self.units;
        self.queue
            .retain(|key| !again.contains(key) && units.contains_key(key));
        again.append(&mut self.queue);
        self.queue = again;
        for _ in 0..=depth {
            self.make_block();
        }
        Ok(())
    }

    pub(super) fn submit(
        &mut self,
        namespace: B256,
        unit: &PostingUnit,
    ) -> Result<Submission, MemoryDaError> {
        let key = (namespace, unit.id);
        match self.units.get(&key) {
            Some(taken) if taken.blobs != unit.blobs => {
                return Err(MemoryDaError::UnitMismatch { unit: unit.id });
            }
            Some(_) => {}
            None => {
                self.check(unit)?;
                self.units.insert(
                    key,
                    Taken {
                        blobs: unit.blobs.clone(),
                        placed: Vec::new(),
                    },
                );
                self.queue.push_back(key);
                if matches!(self.config.mining, Mining::OnSubmit) {
                    while self.queue.contains(&key) {
                        self.make_block();
                    }
                }
            }
        }
        let placed = self.units.get(&key).map(|taken| taken.placed.clone());
        let status = match placed {
            Some(blobs) if blobs.len() == unit.blobs.len() => SubmissionStatus::Included { blobs },
            _ => SubmissionStatus::Accepted,
        };
        Ok(Submission {
            unit: unit.id,
            status,
            fee: Some(Fee {
                amount: 0,
                unit: "memory".into(),
            }),
        })
    }

    fn check(&self, unit: &PostingUnit) -> Result<(), MemoryDaError> {
        if unit.blobs.is_empty() {
            return Err(MemoryDaError::EmptyUnit { unit: unit.id });
        }
        for blob in &unit.blobs {
            if !self.config.lanes.contains(&blob.lane) {
                return Err(MemoryDaError::NoSuchLane { lane: blob.lane });
            }
            fits(blob.data.len() as u64, self.config.max_blob_bytes)?;
        }
        fits(unit.len_bytes(), self.config.max_unit_bytes)
    }

    pub(super) fn block(&self, height: DaHeight) -> Result<&Block, MemoryDaError> {
        let (oldest, head) = (self.oldest(), self.tip().height);
        if height < oldest {
            return Err(MemoryDaError::Pruned { height, oldest });
        }
        usize::try_from(height.0 - oldest.0)
            .ok()
            .and_then(|at| self.blocks.get(at))
            .ok_or(MemoryDaError::NotYet { height, head })
    }

    pub(super) fn fetch(
        &self,
        namespace: B256,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<DaBlock, MemoryDaError> {
        let block = self.block(height)?;
        if hash.is_some_and(|hash| hash != block.header.hash) {
            return Err(MemoryDaError::NotCanonical { height });
        }
        let ours = block.blobs.get(&namespace).map_or(&[][..], Vec::as_slice);
        let blobs = ours
            .iter()
            .zip(0u32..)
            .map(|(stored, index)| PostedBlob {
                reference: BlobRef {
                    block: block.header.id(),
                    index,
                    commitment: keccak256(&stored.blob.data),
                },
                lane: stored.blob.lane,
                poster: None,
                data: stored.blob.data.clone(),
            })
            .collect();
        Ok(DaBlock {
            header: block.header,
            blobs,
            completeness: proof::completeness(roots(&block.blobs)),
        })
    }

    pub(super) fn prove(&self, namespace: B256, blob: &BlobRef) -> Result<Proof, MemoryDaError> {
        let height = blob.block.height;
        let block = self.block(height)?;
        if block.header.hash != blob.block.hash {
            return Err(MemoryDaError::NotCanonical { height });
        }
        let leaves = block.blobs.get(&namespace).map(|ours| leaves(ours));
        let found = block
            .blobs
            .get(&namespace)
            .and_then(|ours| ours.get(blob.index as usize))
            .is_some_and(|stored| keccak256(&stored.blob.data) == blob.commitment);
        match leaves {
            Some(leaves) if found => Ok(proof::inclusion(
                roots(&block.blobs),
                &leaves,
                blob.index as usize,
            )),
            _ => Err(MemoryDaError::NoSuchBlob {
                height,
                index: blob.index,
            }),
        }
    }
}

fn fits(bytes: u64, max_bytes: u64) -> Result<(), MemoryDaError> {
    if bytes > max_bytes {
        return Err(MemoryDaError::TooLarge { bytes, max_bytes });
    }
    Ok(())
}

fn leaves(blobs: &[Stored]) -> Vec<B256> {
    blobs
        .iter()
        .map(|stored| proof::leaf(stored.blob.lane, keccak256(&stored.blob.data)))
        .collect()
}

fn roots(blobs: &BTreeMap<B256, Vec<Stored>>) -> Vec<NamespaceRoot> {
    blobs
        .iter()
        .map(|(namespace, blobs)| NamespaceRoot {
            namespace: *namespace,
            count: blobs.len() as u32,
            root: proof::merkle_root(&leaves(blobs)),
        })
        .collect()
}
