#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "anvil")]
mod anvil;
#[cfg(feature = "rpc")]
mod beacon;
mod block;
#[cfg(feature = "rpc")]
mod client;
pub mod codec;
#[cfg(feature = "rpc")]
mod config;
mod error;
pub mod fees;
pub mod kzg;
mod namespace;
pub mod onchain;
#[cfg(feature = "rpc")]
mod poster;
#[cfg(feature = "rpc")]
mod posting;
mod proof;
#[cfg(feature = "rpc")]
mod reader;
#[cfg(feature = "rpc")]
mod rpc;
#[cfg(feature = "rpc")]
mod store;
mod transaction;

#[cfg(feature = "anvil")]
pub use anvil::{Anvil, AnvilConfig};
pub use block::{BlockError, SealedHeader, Transaction};
#[cfg(feature = "rpc")]
pub use client::EthereumDa;
#[cfg(feature = "rpc")]
pub use config::{BlockIdForm, EthereumDaConfig};
pub use error::{Error, Source};
pub use namespace::{Carried, Inbox, InboxAddress, Item, Poster, inbox_of};
pub use proof::{BlockBody, ProofError, RootRule, verify};
pub use transaction::{Cargo, Draft, Signer, network_form};
