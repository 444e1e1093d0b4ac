//! Writes contents of blocks and the devnet's squares of them, one case a
//! line, for Celestia's own libraries to compare: `just celestia-squares`.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a tool for tests, which shares a module with them"
)]

#[path = "../tests/common/squares.rs"]
mod squares;

use alloy_primitives::hex;
use celestia_types::blob::RawBlobTx;
use prost::Message;
use squares::{Case, Item};
use std::io::Write;

fn main() {
    let range = std::env::args().nth(1).unwrap_or("0..50".to_owned());
    let (from, to) = range.split_once("..").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    let mut out = std::io::stdout().lock();
    for seed in from..to {
        let case = Case::of(seed);
        let laid = case.lay();
        let txs: Vec<_> = case
            .items
            .iter()
            .map(|item| match item {
                Item::Plain(tx) => hex::encode(tx),
                Item::Pays(unit) => hex::encode(
                    RawBlobTx {
                        tx: unit.tx.clone(),
                        blobs: unit.blobs.iter().cloned().map(Into::into).collect(),
                        type_id: "BLOB".to_owned(),
                    }
                    .encode_to_vec(),
                ),
            })
            .collect();
        let line = serde_json::json!({
            "seed": seed,
            "max_width": case.max_width,
            "txs": txs,
            "fits": laid.fits,
            "width": laid.width,
            "shares": laid.shares,
            "data_root": laid.data_root,
        });
        writeln!(out, "{line}").unwrap();
    }
}
