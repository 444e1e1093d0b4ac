//! The store against a model of plain maps, over blocks made for the purpose.

mod bounds;
mod bulk;
mod chain;
mod crash;
mod damage;
mod faults;
mod format;
mod history;
mod logs;
mod model;
mod proofs;
mod refusals;
mod snapshots;
mod threads;
