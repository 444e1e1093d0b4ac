use crate::{Draw, forger::signer, machine};
use alloy_primitives::Address;
use rollwright_core::DaOrdinal;
use rollwright_derive::{Amendment, AmendmentChange, PartSigner};

/// A sequencer that changes to another key in the middle of a run.
///
/// All nodes know both amendments from the beginning. The operator's part is
/// one orderly stop, and a start with the other key, before or after either of
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Ordinal from which on both keys are in force.
    pub both_from: u64,
    /// Ordinal from which on the second alone is.
    pub second_from: u64,
    /// When the sequencer is stopped, to go on with the second key.
    pub at_ms: u64,
}

impl Rotation {
    /// A rotation within the first half minute, for DA blocks every `block_ms`.
    pub(crate) fn random(draw: &mut Draw, block_ms: u64) -> Self {
        let both_from = draw.between(4, 14);
        let second_from = both_from + draw.between(2, 16);
        Self {
            both_from,
            second_from,
            at_ms: draw.between(both_from - 3, second_from + 6) * block_ms,
        }
    }

    /// What the chain's configuration says of it.
    pub fn amendments(&self) -> Vec<Amendment> {
        let first = signer(machine::SEQUENCER_KEY).address();
        let second = signer(machine::SECOND_KEY).address();
        let mut both = vec![first, second];
        both.sort();
        let keys = |activation, keys: Vec<Address>| Amendment {
            activation: DaOrdinal(activation),
            change: AmendmentChange::Keys(keys),
        };
        vec![
            keys(self.both_from, both),
            keys(self.second_from, vec![second]),
        ]
    }
}
