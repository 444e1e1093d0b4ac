//! What a DA layer held while nodes ran, derived twice.

use crate::{
    Blocking, Chain, Derivation, Difference, DriveError, EthereumPayloads, History, MemoryPayloads,
    Payloads, compare, derive, drive, now,
};
use rollwright_core::memory::MemoryExecution;
use rollwright_derive::{Amendment, Derivable};
use rollwright_evm::engine::EvmEngine;
use std::fmt;

/// An engine whose batches are read a second time.
pub trait ReadTwice: Derivable {
    /// The second reading.
    type Payloads: Payloads;

    /// The second reading of this chain's batches.
    fn payloads(&self) -> Self::Payloads;
}

impl ReadTwice for EvmEngine {
    type Payloads = EthereumPayloads;

    fn payloads(&self) -> EthereumPayloads {
        let chain_id = self.chain_config().chain_id;
        EthereumPayloads { chain_id }
    }
}

impl ReadTwice for MemoryExecution {
    type Payloads = MemoryPayloads;

    fn payloads(&self) -> MemoryPayloads {
        let chain_id = self.config().chain_id;
        MemoryPayloads { chain_id }
    }
}

/// Why a recorded history is not what both derivers make of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedError<E: fmt::Debug> {
    /// The configuration is not valid, the history is no chain of DA blocks
    /// from the start height on, or the engine failed.
    #[error(transparent)]
    Drive(#[from] DriveError<E>),
    /// The two derivers differ: one of them is not what PROTOCOL.md says.
    #[error("the derivers differ at {0}")]
    Differs(Box<Difference>),
}

/// Derives the chain of `engine` from `history` with both derivers, and
/// compares block for block and trace for trace; returns what both made of it,
/// to be compared with the nodes: after the DA block with ordinal `i` each of
/// them must hold `steps[i].head` as its safe head, and `finalized` in the end.
///
/// `engine` is fresh: opened over a store of its own, which the comparison
/// fills with blocks and no heads. `amendments` are those that the nodes hold.
/// `history` are *all* blocks of the layer from `da.startHeight` on, empty ones
/// included, of one branch; after a reorganisation, compare again. The result
/// depends on the arguments alone. The reference looks everything up again at
/// each DA block: a thousand of them take seconds.
///
/// # Errors
/// The first difference, or why there is nothing to compare.
pub fn compare_recorded<E: ReadTwice>(
    engine: &E,
    amendments: Vec<Amendment>,
    history: &History,
) -> Result<Derivation, RecordedError<E::Error>> {
    let chain = Chain {
        genesis: now(engine.genesis()).map_err(DriveError::Engine)?,
        genesis_time: engine.genesis_time(),
        config: engine.rollup_config().as_ref().clone(),
        digest: engine.config_digest(),
        amendments,
    };
    let mut executor = Blocking(engine.clone());
    // The nodes' deriver comes first: it refuses what is no history.
    let mut real = drive(&chain, engine.codec(), history, &mut executor)?;
    let derivation =
        derive(&chain, &engine.payloads(), history, &mut executor).map_err(DriveError::Engine)?;
    let finalized = real.finalize(history, history.finalized);
    match compare(&derivation, &real.driven, Some(finalized)) {
        None => Ok(derivation),
        Some(difference) => Err(RecordedError::Differs(Box::new(difference))),
    }
}
