#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod block;
pub mod codec;
mod error;
pub mod fees;
pub mod kzg;
mod namespace;
mod proof;
mod transaction;

pub use block::{BlockError, SealedHeader, Transaction};
pub use error::{Error, Source};
pub use namespace::{Carried, Inbox, InboxAddress, Item, Poster, inbox_of};
pub use proof::{BlockBody, ProofError, verify};
pub use transaction::{Cargo, Draft, Signer, network_form};
