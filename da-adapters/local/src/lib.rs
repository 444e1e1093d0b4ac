#![doc = include_str!("../README.md")]

mod client;
mod config;
mod error;
mod faults;
mod guard;
mod layer;
mod namespace;
mod proof;
#[cfg(feature = "http")]
mod remote;
#[cfg(feature = "http")]
mod server;
mod store;
mod tree;
#[cfg(feature = "http")]
mod wire;

pub use client::{LocalDa, Status};
#[cfg(feature = "http")]
pub use config::RemoteConfig;
pub use config::{BlockProduction, LocalDaConfig};
pub use error::{Error, Source};
pub use faults::{Faults, ReorgFault, Share};
pub use guard::is_guarded;
pub use namespace::{Namespace, NetworkId};
pub use proof::{ProofError, header_hash, verify, verify_header};
#[cfg(feature = "http")]
pub use remote::LocalDaClient;
#[cfg(feature = "http")]
pub use server::{ServeConfig, router, serve};
