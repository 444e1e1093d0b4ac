use super::EthereumBlock;
use alloc::{collections::VecDeque, vec::Vec};
use alloy_consensus::Header;
use alloy_primitives::{B256, U256};

/// How many generations an ommer may hang back, and so how many ancestors
/// decide about a block's ommers.
const GENERATIONS: usize = 7;

/// What later blocks need to know of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ancestor {
    /// Its hash.
    pub hash: B256,
    /// Its header.
    pub header: Header,
    /// Hashes of its ommers.
    pub ommers: Vec<B256>,
}

/// The last blocks of a branch, and its total difficulty. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    tip: Ancestor,
    older: VecDeque<Ancestor>,
    total_difficulty: U256,
}

impl Lineage {
    /// A chain that begins with `header`, of `total_difficulty`: at genesis
    /// the difficulty of the header.
    pub fn from(header: Header, total_difficulty: U256) -> Self {
        Self {
            tip: Ancestor {
                hash: header.hash_slow(),
                header,
                ommers: Vec::new(),
            },
            older: VecDeque::new(),
            total_difficulty,
        }
    }

    /// A branch whose newest block is `tip`; `older` are its ancestors, newest
    /// first, as many as there are up to six.
    pub fn of(tip: Ancestor, older: Vec<Ancestor>, total_difficulty: U256) -> Self {
        let mut older: VecDeque<Ancestor> = older.into();
        older.truncate(GENERATIONS - 1);
        Self {
            tip,
            older,
            total_difficulty,
        }
    }

    /// The newest block.
    pub const fn tip(&self) -> &Ancestor {
        &self.tip
    }

    /// Sum of all difficulties up to the newest block.
    pub const fn total_difficulty(&self) -> U256 {
        self.total_difficulty
    }

    /// The last seven blocks, newest first.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = &Ancestor> {
        core::iter::once(&self.tip).chain(&self.older)
    }

    /// Moves to `block`, which the caller has verified on the newest block.
    pub fn push(&mut self, block: &EthereumBlock) {
        let header = block.header().clone();
        self.total_difficulty = self.total_difficulty.saturating_add(header.difficulty);
        let ommers = &block.block.body.ommers;
        let next = Ancestor {
            hash: block.hash(),
            header,
            ommers: ommers.iter().map(Header::hash_slow).collect(),
        };
        self.older
            .push_front(core::mem::replace(&mut self.tip, next));
        self.older.truncate(GENERATIONS - 1);
    }
}
