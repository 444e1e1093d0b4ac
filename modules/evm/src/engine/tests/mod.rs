mod admission;
mod batches;
mod conformance;
mod embedding;
mod genesis;
mod off_executor;
mod support;
mod witness;

pub(crate) use support::*;
