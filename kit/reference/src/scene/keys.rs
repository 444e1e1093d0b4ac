//! The keys of scenes.

use alloy_primitives::B256;
use rollwright_derive::KeySigner;

/// The key with that number; all are different.
#[expect(
    clippy::expect_used,
    reason = "small scalars are below the curve's order"
)]
pub(super) fn key(number: u8) -> KeySigner {
    KeySigner::new(B256::with_last_byte(number.saturating_add(1))).expect("a scalar in range")
}
