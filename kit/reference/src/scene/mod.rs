//! Scenes: histories of a DA layer on which an honest sequencer, hostile ones
//! and passers-by post, made from a seed or from any bytes.

mod chains;
mod columns;
mod craft;
mod engine;
mod evm;
mod keys;
mod ledger;
mod memory;
mod pieces;
mod script;
mod sequencer;
mod tours;
mod world;

pub use columns::Packed;
pub use engine::Engine;
pub use evm::EthereumEngine;
pub use memory::MemoryEngine;
pub use script::{ACTION_BYTES, Action, CHAIN_BYTES, Script, Verb};

use crate::{Chain, DriveError, Executor, History};
use engine::Fickle;
use rollwright_core::{BlockInput, ExecuteOutcome};

/// A chain and what its DA layer held, before and after each reorganisation.
#[derive(Debug)]
pub struct Scene<E> {
    /// The chain.
    pub chain: Chain,
    /// What the DA layer held when it forgot something, and in the end. Each
    /// shares its beginning with the one before.
    pub branches: Vec<History>,
    /// Executes the chain's blocks.
    pub engine: E,
    /// Some blocks are refused whatever the engine says.
    strict: bool,
}

impl<E: Engine> Scene<E> {
    /// Plays a script. The same script gives the same scene.
    ///
    /// # Errors
    /// The nodes' deriver cannot be driven, which is what a scene looks for.
    pub fn play(script: &Script) -> Result<Self, DriveError<E::Error>> {
        let mut world = world::World::new(script)?;
        for action in &script.actions {
            world.act(*action)?;
        }
        Ok(world.finish())
    }
}

impl<E: Engine> Executor for Scene<E> {
    type Error = E::Error;

    fn execute(&mut self, input: &BlockInput) -> Result<ExecuteOutcome, E::Error> {
        let strict = self.strict;
        let engine = &mut self.engine;
        Fickle { engine, strict }.execute(input)
    }
}
