use super::{SimDaError, proof};
use crate::Draw;
use alloy_primitives::{B256, keccak256};
use rollwright_core::{
    Blob, BlobRef, DaBlock, DaBlockId, DaHead, DaHeader, DaHeight, PostedBlob, PostingUnit, UnitId,
};
use std::collections::{BTreeMap, VecDeque};

/// Settings of a simulated layer.
#[derive(Clone, Debug)]
pub struct LayerConfig {
    /// Time from one block to the next.
    pub block_ms: u64,
    /// A block is final once so many stand on it.
    pub finality: u64,
    /// Largest blob.
    pub max_blob_bytes: u64,
    /// Largest unit, and what one block holds.
    pub max_block_bytes: u64,
}

/// Somebody's blobs that stand in no block yet, in their order.
#[derive(Clone, Debug)]
struct Waiting {
    unit: Option<UnitId>,
    blobs: VecDeque<(usize, Blob)>,
}

#[derive(Clone, Debug)]
struct Stored {
    unit: Option<UnitId>,
    place: usize,
    blob: Blob,
}

#[derive(Debug)]
struct Block {
    header: DaHeader,
    blobs: Vec<Stored>,
}

#[derive(Debug)]
struct Taken {
    blobs: Vec<Blob>,
    placed: Vec<Option<BlobRef>>,
}

/// How the next block takes what waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taking {
    /// Units in a drawn order instead of that of their arrival.
    pub shuffled: bool,
    /// Only a drawn number of blobs, and units in turns.
    pub piecemeal: bool,
}

/// The layer's canonical chain, and what waits for it. Pure: what it does is
/// decided by its calls and its draws.
#[derive(Debug)]
pub struct Layer {
    config: LayerConfig,
    blocks: Vec<Block>,
    oldest: usize,
    waiting: VecDeque<Waiting>,
    units: BTreeMap<UnitId, Taken>,
    finalized: Option<DaBlockId>,
    draw: Draw,
}

impl Layer {
    /// A layer with its first block.
    pub fn new(config: LayerConfig, draw: Draw, time: u64) -> Self {
        let mut layer = Self {
            config,
            blocks: Vec::new(),
            oldest: 0,
            waiting: VecDeque::new(),
            units: BTreeMap::new(),
            finalized: None,
            draw,
        };
        layer.seal(time, Vec::new());
        layer
    }

    /// Its settings.
    pub const fn config(&self) -> &LayerConfig {
        &self.config
    }

    /// Height of the newest block.
    pub fn height(&self) -> u64 {
        (self.blocks.len() as u64).saturating_sub(1)
    }

    /// Height of the oldest block that is served.
    pub const fn oldest(&self) -> u64 {
        self.oldest as u64
    }

    /// The newest block and the newest final one, as somebody sees them who is
    /// `behind` blocks late.
    pub fn head(&self, behind: u64) -> DaHead {
        let height = self.height().saturating_sub(behind);
        let observed = self.header(height).map(|header| header.id());
        let observed = observed.unwrap_or_default();
        DaHead {
            observed,
            finalized: self
                .finalized
                .filter(|block| block.height <= observed.height),
        }
    }

    /// How many of the newest blocks may still be undone.
    pub fn undoable(&self) -> u64 {
        let least = self.finalized.map_or(0, |block| block.height.0);
        self.height() - least.max(self.oldest as u64)
    }

    fn header(&self, height: u64) -> Option<&DaHeader> {
        let block = self.blocks.get(usize::try_from(height).ok()?)?;
        Some(&block.header)
    }

    fn seal(&mut self, time: u64, blobs: Vec<Stored>) {
        let parent = self.blocks.last().map(|block| block.header);
        let height = DaHeight(self.blocks.len() as u64);
        let (data_root, _) = proof::seal(of(&blobs));
        let parent_hash = parent.map_or(B256::ZERO, |parent| parent.hash);
        let time = time.max(parent.map_or(0, |parent| parent.time));
        // Drawn, so that no block of another fork has the same hash.
        let fork = self.draw.next();
        let preimage = (height, parent_hash, time, data_root, fork);
        let hash = keccak256(borsh::to_vec(&preimage).unwrap_or_default());
        let header = DaHeader {
            height,
            hash,
            parent_hash,
            time,
            data_root,
        };
        for (stored, index) in blobs.iter().zip(0..) {
            let place = stored
                .unit
                .and_then(|unit| self.units.get_mut(&unit)?.placed.get_mut(stored.place));
            if let Some(place) = place {
                *place = Some(BlobRef {
                    block: header.id(),
                    index,
                    commitment: keccak256(&stored.blob.data),
                });
            }
        }
        self.blocks.push(Block { header, blobs });
        let last_final = self.height().checked_sub(self.config.finality);
        if let Some(header) = last_final.and_then(|height| self.header(height)).copied()
            && self.finalized.is_none_or(|old| old.height < header.height)
        {
            self.finalized = Some(header.id());
        }
    }

    /// How many blobs wait for a block.
    pub fn waiting(&self) -> usize {
        self.waiting.iter().map(|waiting| waiting.blobs.len()).sum()
    }

    /// Makes a block out of what waits.
    pub fn mine(&mut self, time: u64, taking: Taking) {
        if taking.shuffled {
            for at in (1..self.waiting.len()).rev() {
                let other = self.draw.index(at + 1);
                self.waiting.swap(at, other);
            }
        }
        let mut most = usize::MAX;
        if taking.piecemeal {
            let all = self.waiting.iter().map(|waiting| waiting.blobs.len()).sum();
            most = self.draw.index(all) + 1;
        }
        let mut blobs = Vec::new();
        let mut room = self.config.max_block_bytes;
        let mut turn = 0;
        while blobs.len() < most && !self.waiting.is_empty() {
            turn %= self.waiting.len();
            let Some(next) = self.waiting.get_mut(turn) else {
                break;
            };
            let Some((place, blob)) = next.blobs.pop_front() else {
                self.waiting.remove(turn);
                continue;
            };
            let len = blob.data.len() as u64;
            if len > room && !blobs.is_empty() {
                next.blobs.push_front((place, blob));
                break;
            }
            room = room.saturating_sub(len);
            let unit = next.unit;
            blobs.push(Stored { unit, place, blob });
            turn += usize::from(taking.piecemeal);
        }
        self.waiting.retain(|waiting| !waiting.blobs.is_empty());
        self.seal(time, blobs);
    }

    /// Takes the newest `depth` blocks back, as far as they are not final, and
    /// makes `made` others. What stood in them waits again, or is forgotten.
    /// Returns how many were taken back.
    pub fn reorganise(&mut self, depth: u64, made: u64, forget: bool, time: u64) -> u64 {
        let depth = depth.min(self.undoable());
        let mut again: Vec<Stored> = Vec::new();
        let mut times = Vec::new();
        for _ in 0..depth {
            let Some(block) = self.blocks.pop() else {
                break;
            };
            times.push(block.header.time);
            again.splice(0..0, block.blobs);
        }
        let mut back: VecDeque<Waiting> = VecDeque::new();
        for stored in again {
            if let Some(unit) = stored.unit {
                let place = self
                    .units
                    .get_mut(&unit)
                    .and_then(|taken| taken.placed.get_mut(stored.place));
                place.into_iter().for_each(|place| *place = None);
            }
            let entry = (stored.place, stored.blob);
            let same = back
                .iter_mut()
                .find(|waiting| stored.unit.is_some() && waiting.unit == stored.unit);
            match same {
                Some(waiting) => waiting.blobs.push_back(entry),
                None => back.push_back(Waiting {
                    unit: stored.unit,
                    blobs: VecDeque::from([entry]),
                }),
            }
        }
        if forget {
            for unit in back.iter().filter_map(|waiting| waiting.unit) {
                self.forget(unit);
            }
        } else {
            // What of these units never stood in a block follows behind.
            for waiting in &mut back {
                let rest = self
                    .waiting
                    .iter_mut()
                    .find(|rest| waiting.unit.is_some() && rest.unit == waiting.unit);
                if let Some(rest) = rest {
                    waiting.blobs.append(&mut rest.blobs);
                }
            }
            back.extend(std::mem::take(&mut self.waiting));
            back.retain(|waiting| !waiting.blobs.is_empty());
            self.waiting = back;
        }
        for _ in 0..made {
            let time = times.pop().unwrap_or(time);
            self.mine(time, Taking::default());
        }
        depth
    }

    /// Forgets a unit of which not everything stands in a block. What stands
    /// stays; whoever submits it again posts it whole.
    fn forget(&mut self, unit: UnitId) {
        self.waiting.retain(|waiting| waiting.unit != Some(unit));
        self.units.remove(&unit);
    }

    /// Forgets everything that was taken and stands in no block.
    pub fn lose_waiting(&mut self) -> usize {
        let lost: Vec<UnitId> = self
            .waiting
            .iter()
            .filter_map(|waiting| waiting.unit)
            .filter(|unit| {
                let taken = self.units.get(unit);
                taken.is_some_and(|taken| taken.placed.iter().all(Option::is_none))
            })
            .collect();
        for unit in &lost {
            self.forget(*unit);
        }
        lost.len()
    }

    /// Stops serving blocks below a height.
    pub fn prune_below(&mut self, height: u64) {
        let height = usize::try_from(height.min(self.height())).unwrap_or(0);
        self.oldest = self.oldest.max(height);
    }

    /// Somebody else posts a blob.
    pub fn post(&mut self, blob: Blob) {
        self.waiting.push_back(Waiting {
            unit: None,
            blobs: VecDeque::from([(0, blob)]),
        });
    }

    /// Takes a unit, or says where its blobs stand; `None` while not all of
    /// them stand somewhere.
    pub fn submit(&mut self, unit: &PostingUnit) -> Result<Option<Vec<BlobRef>>, SimDaError> {
        if unit.blobs.is_empty() {
            return Err(SimDaError::Empty(unit.id));
        }
        let largest = unit.blobs.iter().map(|blob| blob.data.len() as u64).max();
        if let Some(bytes) = largest.filter(|bytes| *bytes > self.config.max_blob_bytes) {
            return Err(SimDaError::TooLarge { bytes });
        }
        let bytes = unit.len_bytes();
        if bytes > self.config.max_block_bytes {
            return Err(SimDaError::TooLarge { bytes });
        }
        if let Some(taken) = self.units.get(&unit.id) {
            if taken.blobs != unit.blobs {
                return Err(SimDaError::OtherBytes(unit.id));
            }
            return Ok(taken.placed.iter().copied().collect());
        }
        let taken = Taken {
            blobs: unit.blobs.clone(),
            placed: vec![None; unit.blobs.len()],
        };
        self.units.insert(unit.id, taken);
        self.waiting.push_back(Waiting {
            unit: Some(unit.id),
            blobs: unit.blobs.iter().cloned().enumerate().collect(),
        });
        Ok(None)
    }

    /// A canonical block; also one that is not served any more.
    pub fn archived(&self, height: u64) -> Option<DaBlock> {
        let block = self.blocks.get(usize::try_from(height).ok()?)?;
        let (_, completeness) = proof::seal(of(&block.blobs));
        let blobs = block
            .blobs
            .iter()
            .zip(0..)
            .map(|(stored, index)| PostedBlob {
                reference: BlobRef {
                    block: block.header.id(),
                    index,
                    commitment: keccak256(&stored.blob.data),
                },
                lane: stored.blob.lane,
                poster: None,
                data: stored.blob.data.clone(),
            });
        Some(DaBlock {
            header: block.header,
            blobs: blobs.collect(),
            completeness,
        })
    }

    /// A canonical block as it is served to somebody who is `behind`.
    pub fn block(&self, height: DaHeight, behind: u64) -> Result<DaBlock, SimDaError> {
        if height.0 > self.height().saturating_sub(behind) {
            return Err(SimDaError::NotYet(height));
        }
        if height.0 < self.oldest as u64 {
            return Err(SimDaError::Pruned(height));
        }
        self.archived(height.0).ok_or(SimDaError::NotYet(height))
    }
}

fn of(blobs: &[Stored]) -> impl Iterator<Item = (rollwright_core::DaLane, &[u8])> {
    blobs
        .iter()
        .map(|stored| (stored.blob.lane, stored.blob.data.as_ref()))
}
