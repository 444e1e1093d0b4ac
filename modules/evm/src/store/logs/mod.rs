//! Finding logs: which, and by which index.

mod query;

pub use query::{LogHit, LogPage, LogQuery};
