mod admission;
mod batches;
mod conformance;
mod embedding;
mod off_executor;
mod support;
mod witness;

pub(crate) use support::*;
