#![doc = include_str!("../README.md")]

pub mod blobstream;
mod content;
mod error;
mod gas;
mod header;
mod namespace;
mod proof;
#[cfg(all(test, feature = "devnet"))]
mod testing;

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
