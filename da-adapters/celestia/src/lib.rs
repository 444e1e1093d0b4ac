#![doc = include_str!("../README.md")]

pub mod blobstream;
#[cfg(feature = "rpc")]
mod client;
#[cfg(feature = "rpc")]
mod config;
mod content;
#[cfg(feature = "rpc")]
mod endpoints;
mod error;
#[cfg(feature = "rpc")]
mod follow;
mod gas;
mod header;
#[cfg(feature = "rpc")]
mod journal;
mod namespace;
pub mod onchain;
#[cfg(feature = "grpc")]
mod own_key;
#[cfg(any(feature = "devnet", feature = "grpc"))]
mod pay;
mod proof;
#[cfg(feature = "rpc")]
mod read;
pub mod sampling;
#[cfg(feature = "rpc")]
mod submit;
#[cfg(all(test, feature = "devnet"))]
mod testing;

#[cfg(feature = "rpc")]
pub use client::CelestiaDa;
#[cfg(feature = "grpc")]
pub use config::OwnKeyConfig;
#[cfg(feature = "rpc")]
pub use config::{CelestiaConfig, Checkpoint};
pub use content::{NamespaceContent, PlacedBlob, SkipReason, Skipped, verify_namespace};
#[cfg(feature = "rpc")]
pub use error::classify;
pub use error::{CelestiaError, Source, classify_text};
pub use gas::{
    FIRST_SHARE_BYTES, GasPrice, GasPriceError, NEXT_SHARE_BYTES, SHARE_BYTES, SIGNER_BYTES,
    bytes_in, gas, gas_of, shares_needed, subtree_width,
};
pub use header::TrustedHeader;
pub use namespace::{
    MAX_EXTENDED_WIDTH, NamespaceError, candidate_rows, namespace_text, parse_namespace,
};
pub use proof::{ProofError, posted, prove_complete, prove_included, verify};

#[cfg(feature = "devnet")]
pub mod devnet;
