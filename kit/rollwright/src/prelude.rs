//! What a rollup's code needs, in one line.

pub use crate::{
    Project, Running, Serves,
    builder::{Builder, ReadyBuilder},
    stock::Stock,
};
pub use rollwright_core::{
    Address, B256, Bytes, DataAvailability, Execution, Messaging, NodeApi, Role, Rollup,
    Settlement, U256,
    boxed::BoxDa,
    memory::{NoMessaging, Sovereign},
};
pub use rollwright_evm::{engine::EvmEngine, precompile::Precompile};
