mod anchor;
mod blocks;
mod budget;
mod build;
mod call;
mod eips;
mod forced;
mod header;
mod id;
mod limits;
mod origin;
mod plain;
mod random;
mod stateless;
pub(crate) mod support;
#[cfg(feature = "acceptance")]
mod t8n;
mod transactions;
