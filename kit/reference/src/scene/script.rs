//! What happens in a scene: a list of actions, out of a seed or out of bytes.

use std::fmt;

/// Bytes of one action.
pub const ACTION_BYTES: usize = 6;

/// Bytes before the first action: which chain.
pub const CHAIN_BYTES: usize = 4;

/// A chain and what happens to it. Every sequence of bytes is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Script {
    /// Chooses the chain's configuration.
    pub chain: [u8; CHAIN_BYTES],
    /// In order.
    pub actions: Vec<Action>,
}

/// One thing that happens, with five numbers that say how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// What.
    pub verb: Verb,
    /// How.
    pub how: [u8; 5],
}

macro_rules! verbs {
    ($($(#[doc = $doc:literal])+ $name:ident = $weight:literal,)+) => {
        /// What happens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Verb {
            $($(#[doc = $doc])+ $name,)+
        }

        /// How often each happens, in 256.
        const WEIGHTS: &[(Verb, u16)] = &[$((Verb::$name, $weight),)+];
    };
}

verbs! {
    /// The DA block is closed, and read.
    Mine = 54,
    /// The sequencer makes blocks, and hands them to the batcher.
    Sequence = 40,
    /// The batcher seals what it has.
    Seal = 22,
    /// Sealed parts reach the DA block, in some order.
    Post = 34,
    /// A sealed part is lost.
    Lose = 3,
    /// Something that was posted before is posted again.
    Replay = 10,
    /// Something that was posted before is posted with changed bytes.
    Mutate = 6,
    /// A batch by hand, signed by a key of the schedule.
    Craft = 32,
    /// A part by hand.
    Piece = 18,
    /// A blob that is nothing, or of nobody.
    Garbage = 6,
    /// Forced transactions.
    Force = 16,
    /// The DA layer forgets its last blocks.
    Reorganise = 4,
    /// Many DA blocks without anything.
    Silence = 5,
    /// The sequencer begins anew on the derived head.
    Resync = 6,
}

impl Action {
    /// The action of these bytes.
    pub fn new(bytes: [u8; ACTION_BYTES]) -> Self {
        let [verb, a, b, c, d, e] = bytes;
        let mut left = u16::from(verb);
        let mut chosen = Verb::Mine;
        for (verb, weight) in WEIGHTS {
            if left < *weight {
                chosen = *verb;
                break;
            }
            left -= weight;
        }
        Self {
            verb: chosen,
            how: [a, b, c, d, e],
        }
    }
}

impl Script {
    /// The script of these bytes: the chain, then actions of equal length; a
    /// rest that is too short for an action is left out.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut chain = [0; CHAIN_BYTES];
        let head = bytes.len().min(CHAIN_BYTES);
        chain[..head].copy_from_slice(&bytes[..head]);
        let actions = bytes[head..].as_chunks::<ACTION_BYTES>().0;
        Self {
            chain,
            actions: actions.iter().copied().map(Action::new).collect(),
        }
    }

    /// The script of a seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut state = seed;
        let mut bytes = Vec::new();
        // Half of the seeds are short, so that what fails is easy to read.
        let most = if seed.is_multiple_of(2) { 60 } else { 160 };
        let actions = 20 + (next(&mut state) % most) as usize;
        while bytes.len() < CHAIN_BYTES + actions * ACTION_BYTES {
            bytes.extend_from_slice(&next(&mut state).to_le_bytes());
        }
        bytes.truncate(CHAIN_BYTES + actions * ACTION_BYTES);
        Self::from_bytes(&bytes)
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{:?}", self.verb, self.how)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "chain {:?}", self.chain)?;
        for action in &self.actions {
            writeln!(f, "  {action:?}")?;
        }
        Ok(())
    }
}
