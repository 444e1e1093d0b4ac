#![doc = include_str!("../README.md")]

mod chain;
mod control;
mod damage;
mod ledger;
mod load;
mod process;
mod rpc;
pub mod scenario;
mod undo;

pub use chain::{Chain, Setting, Start, Verified};
pub use control::Faults;
pub use damage::{Damage, files};
pub use ledger::{Ledger, Shared};
pub use load::Load;
pub use process::{Ended, Node};
pub use rpc::{Rpc, RpcError};
pub use undo::lose_power;
