//! One function per subject, each over plain bytes.

mod codec;
mod config;
mod da_local;
mod deriver;
mod feed;
mod files;
mod keys;
mod node;
mod proofs;
mod replica;
mod rpc;
mod state;
mod store;
mod transaction;
mod values;
mod wire;

use crate::Target;
pub use rpc::{RpcMethod, rpc_call, rpc_methods};

/// Every target, by subject.
pub const TARGETS: &[Target] = &[
    wire::BLOB,
    wire::ENVELOPE,
    codec::NONE,
    codec::ZSTD,
    codec::BROTLI,
    codec::FORCED,
    transaction::TRANSACTION,
    config::GENESIS,
    config::ROLLUP,
    config::AMENDMENTS,
    config::TOML,
    state::DERIVER_STATE,
    state::DERIVER_RECORDS,
    state::BATCHER_RECORDS,
    deriver::HISTORY,
    deriver::REFERENCE,
    deriver::CHUNKS,
    feed::FRAME,
    feed::EVIDENCE,
    replica::FEED,
    node::RECORDS,
    keys::KEYS,
    values::VALUES,
    proofs::STATE_PROOF,
    proofs::WITNESS,
    proofs::SNAPSHOT,
    proofs::IMPORT,
    store::VALUES,
    files::STORE,
    files::DA,
    da_local::PROOF,
    da_local::NAMESPACE,
    da_local::FAULTS,
    da_local::SERVER,
    da_local::CLIENT,
    rpc::HTTP,
    rpc::PARAMS,
    rpc::WEBSOCKET,
    rpc::RAW,
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
