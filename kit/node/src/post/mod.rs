//! Posting: the batcher's driver.
//!
//! The batcher journals each posting unit before it is submitted, and submits
//! it again, by its id, until derivation has read it back.

mod driver;
mod pace;
mod queue;

pub(crate) use driver::Poster;
