#![doc = include_str!("../README.md")]

pub mod amendments;
pub mod builder;
#[cfg(feature = "celestia")]
mod celestia;
#[cfg(not(feature = "celestia"))]
#[path = "absent/celestia.rs"]
mod celestia;
pub mod config;
pub mod dev;
mod error;
pub mod ethereum;
pub mod evidence;
mod files;
mod forward;
#[cfg(feature = "ethereum")]
mod l1;
#[cfg(not(feature = "ethereum"))]
#[path = "absent/l1.rs"]
mod l1;
mod layers;
pub mod logging;
pub mod methods;
mod metrics;
pub mod prelude;
mod project;
mod running;
pub mod sandbox;
mod serve;
pub mod snapshot;
pub mod stock;
pub mod switch;
pub mod testing;
mod traces;
mod verify;

pub use amendments::Amendments;
pub use error::{ProjectError, StartError};
pub use layers::OpenedLayers;
pub use project::Project;
pub use running::Running;
pub use serve::Serves;

pub use rollwright_core as core;
#[cfg(feature = "celestia")]
pub use rollwright_da_celestia as da_celestia;
#[cfg(feature = "ethereum")]
pub use rollwright_da_ethereum as da_ethereum;
pub use rollwright_da_local as da_local;
pub use rollwright_derive as derive;
pub use rollwright_evm as evm;
pub use rollwright_node as node;
pub use rollwright_rpc as rpc;
