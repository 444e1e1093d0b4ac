//! The simulated DA layer: one chain that all nodes of a run share, and the
//! weather between it and each of them.

mod chain;
mod error;
mod handle;
mod proof;
mod weather;

pub use chain::{Layer, LayerConfig};
pub use error::SimDaError;
pub use handle::{SimDa, SimLayer};
pub use weather::{Spell, SpellKind};
