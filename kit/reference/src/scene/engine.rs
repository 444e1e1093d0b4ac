//! Which engine executes a scene's blocks.

use super::columns::Packed;
use crate::{Executor, Payloads};
use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::{BlockInput, BlockRef, ExecuteOutcome};
use rollwright_derive::{BatchBlock, BatchCodec, CodecId, LimitsConfig, RollupConfig};

/// An engine with everything that a scene needs of it.
pub trait Engine: Executor + Sized {
    /// The codec that nodes use.
    type Codec: BatchCodec;
    /// The same format read a second time.
    type Payloads: Payloads;

    /// The codecs that it has, ascending.
    fn codecs() -> Vec<CodecId>;

    /// An engine with a genesis of its own that holds `config`.
    ///
    /// # Errors
    /// It cannot be opened.
    fn new(config: &RollupConfig, base_fee: u64) -> Result<Self, Self::Error>;

    /// Genesis block, genesis time, digest of the configuration.
    fn genesis(&self) -> (BlockRef, u64, B256);

    /// The codec.
    fn codec(&self) -> Self::Codec;

    /// The second reading.
    fn payloads(&self) -> Self::Payloads;

    /// A transaction of a user with that nonce, of a kind that `how` chooses:
    /// valid for most, as the sequencer's are.
    fn transaction(&self, user: u8, nonce: u64, how: u8) -> Bytes;

    /// A transaction for the forced lane, of a kind that `how` chooses: most
    /// kinds are faulty in one way.
    fn forced(&self, user: u8, nonce: u64, how: u8) -> Bytes;

    /// A batch by hand with one fault of its format, which `how` chooses, and
    /// whose form `salt` chooses, in blocks like `block`; `None` where the
    /// engine's format has no such faults.
    fn faulty(
        &self,
        _how: u8,
        _salt: u8,
        _block: &BatchBlock,
        _limits: &LimitsConfig,
    ) -> Option<Packed> {
        None
    }

    /// The address of a user.
    fn user(&self, user: u8) -> Address;

    /// How many transactions of the user are in the chain that ends in `head`,
    /// as far as this engine has executed it.
    fn nonce(&self, head: &BlockRef, user: u8) -> u64;
}

/// Refuses some blocks that the engine would take, by a rule of their inputs
/// alone: an engine's verdict can be anything as long as it is the same.
#[derive(Debug)]
pub(super) struct Fickle<'a, E> {
    pub(super) engine: &'a mut E,
    pub(super) strict: bool,
}

impl<E: Executor> Executor for Fickle<'_, E> {
    type Error = E::Error;

    fn execute(&mut self, input: &BlockInput) -> Result<ExecuteOutcome, E::Error> {
        let odd = input.timestamp % 11 == 3;
        if self.strict && odd && input.transactions.is_empty() {
            let reason = "an empty block at an odd time".into();
            let transaction = None;
            return Ok(ExecuteOutcome::Invalid(rollwright_core::InvalidBlock {
                transaction,
                reason,
            }));
        }
        self.engine.execute(input)
    }
}
