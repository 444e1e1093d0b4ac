//! Plain values that pass between layers: versioned where they are stored or
//! sent, borsh-encoded, the same for every implementation of a layer.

mod anchor;
mod block;
mod da;
mod forced;
mod packet;
mod settlement;
mod state;

pub use anchor::*;
pub use block::*;
pub use da::*;
pub use forced::*;
pub use packet::*;
pub use settlement::*;
pub use state::*;
