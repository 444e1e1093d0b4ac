use crate::{BatchCodec, RollupConfig};
use alloc::sync::Arc;
use rollwright_core::Execution;

/// An execution layer whose chain can be derived from DA: it knows the chain's
/// consensus configuration and how its batches are written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be derived from a DA layer",
    note = "implement `Derivable`: name the batch codec and the chain configuration"
)]
pub trait Derivable: Execution {
    /// The batch codec.
    type Codec: BatchCodec;

    /// The codec of this chain.
    fn codec(&self) -> Self::Codec;

    /// The object `config.rollwright` of the chain's `genesis.json`.
    fn rollup_config(&self) -> Arc<RollupConfig>;

    /// keccak256 of the canonical encoding of the whole `config` object with
    /// no amendments: stands in every envelope.
    fn config_digest(&self) -> rollwright_core::B256;

    /// Genesis time in Unix seconds.
    fn genesis_time(&self) -> u64;
}
