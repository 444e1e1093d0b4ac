//! The driver of derivation: reads DA, executes what the deriver asks for, and
//! moves the heads.

mod driver;
mod epoch;
mod execute;
mod fetch;
mod lacking;
mod open;
mod reorg;
mod report;

pub(crate) use driver::{Derivation, DerivedHook, LEAD};
pub(crate) use execute::execute;
pub(crate) use lacking::Lacking;
pub(crate) use open::{all_records, load_deriver, rules};
