//! A scene in the making.

use super::{
    Action, Engine, Scene, Script, Verb, chains,
    engine::Fickle,
    sequencer::{Crafted, Sequencer},
};
use crate::{Chain, DriveError, Executor as _, History, Real};
use alloy_primitives::{B256, Bytes, keccak256};
use rollwright_core::{
    BlobRef, BlockInput, DaBlock, DaHeader, DaHeight, DaLane, ExecuteOutcome, PostedBlob, Proof,
};
use std::collections::BTreeMap;

/// Time of the first DA block.
const DA_TIME: u64 = 1_700_000_000;

/// No scene has more DA blocks at a time.
const MAX_DA_BLOCKS: usize = 120;

/// No DA block of a scene has more blobs.
const MAX_BLOBS: usize = 200;

pub(super) type Outcome<E> = Result<(), DriveError<<E as crate::Executor>::Error>>;

pub(super) struct World<E: Engine> {
    pub(super) chain: Chain,
    pub(super) engine: E,
    pub(super) strict: bool,
    /// A node that reads each DA block as it is made.
    pub(super) node: Real<E::Codec>,
    pub(super) da: Vec<DaBlock>,
    /// Headers below the first blocks of epochs, by those blocks' ordinals.
    below: BTreeMap<u64, DaHeader>,
    /// Blobs of the DA block in the making.
    pub(super) open: Vec<(DaLane, Bytes)>,
    /// Everything ever posted.
    pub(super) archive: Vec<(DaLane, Bytes)>,
    pub(super) sequencer: Sequencer,
    /// The last batch made by hand that is well-formed.
    pub(super) crafted: Option<Crafted>,
    branches: Vec<History>,
    salt: u64,
}

impl<E: Engine> World<E> {
    pub(super) fn new(script: &Script) -> Result<Self, DriveError<E::Error>> {
        let choice = chains::choose(script.chain, E::codecs());
        let engine = E::new(&choice.config, choice.base_fee).map_err(DriveError::Engine)?;
        let (genesis, genesis_time, digest) = engine.genesis();
        let chain = Chain {
            genesis,
            genesis_time,
            config: choice.config,
            digest,
            amendments: choice.amendments,
        };
        let node = Real::new(&chain, engine.codec())?;
        Ok(Self {
            sequencer: Sequencer::new(&node),
            chain,
            engine,
            strict: choice.strict,
            node,
            da: Vec::new(),
            below: BTreeMap::new(),
            open: Vec::new(),
            archive: Vec::new(),
            crafted: None,
            branches: Vec::new(),
            salt: 0,
        })
    }

    pub(super) fn finish(mut self) -> Scene<E> {
        self.end_branch();
        Scene {
            chain: self.chain,
            branches: self.branches,
            engine: self.engine,
            strict: self.strict,
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Outcome<E> {
        let how = action.how;
        match action.verb {
            Verb::Mine => self.mine(u64::from(how[0] % 5)),
            Verb::Sequence => self.sequence(how),
            Verb::Seal => self.seal(how),
            Verb::Post => self.post_sealed(how),
            Verb::Lose => {
                self.sequencer.lose(how[0].into());
                Ok(())
            }
            Verb::Replay => self.replay(how),
            Verb::Mutate => self.mutate(how),
            Verb::Craft => self.craft(how),
            Verb::Piece => self.piece(how),
            Verb::Garbage => self.garbage(how),
            Verb::Force => self.force(how),
            Verb::Reorganise => self.reorganise(how),
            Verb::Silence => (0..1 + how[0] % 12).try_for_each(|_| self.mine(2)),
            Verb::Resync => {
                self.resync();
                Ok(())
            }
        }
    }

    /// The ordinal at which what is posted now will be read.
    pub(super) const fn ordinal(&self) -> u64 {
        self.da.len() as u64
    }

    pub(super) fn execute(
        &mut self,
        input: &BlockInput,
    ) -> Result<ExecuteOutcome, DriveError<E::Error>> {
        let strict = self.strict;
        let engine = &mut self.engine;
        let outcome = Fickle { engine, strict }.execute(input);
        outcome.map_err(DriveError::Engine)
    }

    /// Puts a blob into the DA block in the making.
    pub(super) fn post(&mut self, lane: DaLane, data: Bytes) {
        let da = self.chain.config_at(self.ordinal()).da;
        let one_address = da.forced_address.is_none();
        let lane = if one_address { DaLane::Batch } else { lane };
        if self.open.len() < MAX_BLOBS {
            self.archive.push((lane, data.clone()));
            self.open.push((lane, data));
        }
    }

    /// Closes the DA block, and has the node read it.
    fn mine(&mut self, seconds: u64) -> Outcome<E> {
        if self.da.len() >= MAX_DA_BLOCKS {
            return Ok(());
        }
        let (height, parent_hash, time) = self.place(seconds);
        let blobs = std::mem::take(&mut self.open);
        let fields = (height, parent_hash, time, self.salt, &blobs);
        let hash = keccak256(borsh::to_vec(&fields).unwrap_or_default());
        let header = DaHeader {
            height,
            hash,
            parent_hash,
            time,
            data_root: keccak256(hash),
        };
        let place = |((lane, data), index): ((DaLane, Bytes), u32)| PostedBlob {
            reference: BlobRef {
                block: header.id(),
                index,
                commitment: keccak256(&data),
            },
            lane,
            poster: None,
            data,
        };
        let block = DaBlock {
            header,
            blobs: blobs.into_iter().zip(0u32..).map(place).collect(),
            completeness: Proof::default(),
        };
        let strict = self.strict;
        let engine = &mut self.engine;
        let below = self.below.get(&(self.da.len() as u64));
        self.node
            .read(&block, below, &mut Fickle { engine, strict })?;
        self.da.push(block);
        self.follow();
        Ok(())
    }

    /// Height, parent and time of the next DA block, so many seconds on. The
    /// first one of an epoch stands on a block that is early enough.
    fn place(&mut self, seconds: u64) -> (DaHeight, B256, u64) {
        let ordinal = self.ordinal();
        let Some(last) = self.da.last().map(|block| block.header) else {
            return (DaHeight(chains::DA_START), B256::ZERO, DA_TIME);
        };
        let (epoch, begins) = self.chain.epoch_at(ordinal);
        if epoch == 0 || begins < ordinal {
            let height = DaHeight(last.height.0 + 1);
            return (height, last.hash, last.time + seconds);
        }
        let least = self.chain.config_at(ordinal).da.start_height;
        let below = DaHeader {
            height: DaHeight(least.0 + self.salt % 3),
            hash: keccak256(borsh::to_vec(&(least, self.salt)).unwrap_or_default()),
            time: last.time - self.salt % 2,
            ..DaHeader::default()
        };
        self.below.insert(ordinal, below);
        let height = DaHeight(below.height.0 + 1);
        (height, below.hash, last.time + seconds.max(1))
    }

    fn end_branch(&mut self) {
        self.branches.push(History {
            blocks: self.da.clone(),
            finalized: 0,
            below: self.below.clone(),
        });
    }

    fn reorganise(&mut self, how: [u8; 5]) -> Outcome<E> {
        if self.branches.len() >= 3 || self.da.is_empty() {
            return Ok(());
        }
        self.end_branch();
        let depth = 1 + usize::from(how[0]) % 12;
        // What was read of an epoch made everything before it final.
        let least = self.node.deriver.final_below().0 as usize;
        self.da
            .truncate(self.da.len().saturating_sub(depth).max(least));
        self.salt += 1;
        self.node.rollback::<E::Error>(self.ordinal())?;
        self.crafted = None;
        if how[1].is_multiple_of(2) {
            self.resync();
        } else {
            self.follow();
        }
        Ok(())
    }

    fn replay(&mut self, how: [u8; 5]) -> Outcome<E> {
        for at in 0..1 + how[1] % 4 {
            let Some((lane, data)) = self.pick(how[0].wrapping_sub(at), how[2]) else {
                break;
            };
            self.post(lane, data);
        }
        Ok(())
    }

    /// Something of the archive: of late where `near` is small.
    pub(super) fn pick(&self, at: u8, near: u8) -> Option<(DaLane, Bytes)> {
        let len = self.archive.len();
        let range = if near.is_multiple_of(2) {
            len.min(8)
        } else {
            len
        };
        let back = usize::from(at).checked_rem(range)?;
        self.archive.get(len - 1 - back).cloned()
    }

    fn mutate(&mut self, how: [u8; 5]) -> Outcome<E> {
        if let Some((lane, data)) = self.pick(how[0], how[1]) {
            let mut data = data.to_vec();
            // Headers and claims are at the front, and more telling than pieces.
            let range = if how[2].is_multiple_of(4) {
                data.len()
            } else {
                data.len().min(180)
            };
            let at = usize::from(how[2]) * 256 + usize::from(how[3]);
            if let Some(byte) = at.checked_rem(range).and_then(|at| data.get_mut(at)) {
                *byte ^= how[4].max(1);
            }
            if how[4] == 0xff {
                data.push(0);
            }
            self.post(lane, data.into());
        }
        Ok(())
    }
}
