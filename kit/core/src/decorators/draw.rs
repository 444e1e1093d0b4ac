use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Seeded numbers, shared by clones: the `n`th draw depends on seed and `n`
/// alone (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Draws {
    seed: u64,
    drawn: Arc<AtomicU64>,
}

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: Arc::default(),
        }
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub(super) fn below(&self, bound: u64) -> u64 {
        let n = self.drawn.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut z = self
            .seed
            .wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(bound).unwrap_or(0)
    }
}
