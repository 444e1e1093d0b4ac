//! Data availability sampling: a light client's reason to believe that a
//! block's data was published.
//!
//! A header is followed from a trust root; of its square random shares are
//! asked for, each with a proof against the header's roots. To make a square
//! unrecoverable more than a quarter of its shares must be withheld, so every
//! share that is given narrows the chance that a block which cannot be
//! recovered goes unnoticed. What is pure — which shares, what an answer
//! means, when to ask again — is in [`BlockSampling`]; [`LightClient`] asks.
//!
//! Source: celestia-node specification, "Data Availability Sampling";
//! Al-Bassam, Sonnino, Buterin, "Fraud and Data Availability Proofs", §5.

mod block;
mod draw;

#[cfg(feature = "rpc")]
mod ask;
#[cfg(feature = "rpc")]
mod client;
#[cfg(feature = "rpc")]
mod heads;
#[cfg(feature = "rpc")]
mod store;

pub use block::{BlockSampling, Failure, MissingSample, Question, SampleReport};
pub use draw::{Place, SampleSecret, confidence, draw};

#[cfg(feature = "rpc")]
pub(crate) use client::once;
#[cfg(feature = "rpc")]
pub use client::{LightClient, LightConfig, LightEvent};
