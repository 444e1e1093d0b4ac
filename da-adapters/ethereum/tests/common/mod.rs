#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test takes what it needs, and fails by panicking"
)]

pub mod l1;

use alloy_primitives::{B256, b256};
use rollwright_core::Clock;
use rollwright_da_ethereum::{BlockIdForm, EthereumDaConfig, Inbox, Signer, inbox_of};
use std::{future::Future, pin::Pin, time::Duration};

/// The first public test account, which anvil funds.
pub const KEY: B256 = b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

/// Time that a test sets.
#[derive(Debug)]
pub struct FixedClock(pub u64);

impl Clock for FixedClock {
    fn now_ms(&self) -> u64 {
        self.0
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// One inbox for both lanes.
pub fn inbox() -> Inbox {
    Inbox::parse(&inbox_of(42_069, "test").to_string(), None, &[]).unwrap()
}

/// An L1 under one address that also speaks the beacon interface; each account
/// has an inbox of its own.
pub fn config(url: &str, account: B256) -> EthereumDaConfig {
    EthereumDaConfig {
        signer: Some(Signer::new(account).unwrap()),
        block_id: BlockIdForm::Number,
        // Loading its trusted setup takes anvil a while.
        timeout: Duration::from_secs(180),
        slot_time: Duration::from_secs(1),
        finality: Duration::from_secs(8),
        ..EthereumDaConfig::new(
            vec![url.to_owned()],
            vec![url.to_owned()],
            Inbox::parse(
                &inbox_of(42_069, &account.to_string()).to_string(),
                None,
                &[],
            )
            .unwrap(),
        )
    }
}

/// A layer over the L1 in this process, asked by slot, with the named beacon
/// nodes.
pub fn mock_config(l1: &l1::L1, beacons: &[&str]) -> EthereumDaConfig {
    EthereumDaConfig {
        signer: Some(Signer::new(KEY).unwrap()),
        sidecar: l1::FORM,
        timeout: Duration::from_secs(2),
        ..EthereumDaConfig::new(
            vec![l1.rpc()],
            beacons.iter().map(|mode| l1.beacon(mode)).collect(),
            inbox(),
        )
    }
}

/// A little after the L1's first block.
pub fn clock() -> std::sync::Arc<FixedClock> {
    std::sync::Arc::new(FixedClock((l1::GENESIS_TIME + 600) * 1_000))
}

/// A unit of small blobs in the batch lane.
pub fn unit(seed: &str, count: u8) -> rollwright_core::PostingUnit {
    let blobs = (0..count).map(|index| rollwright_core::Blob {
        lane: rollwright_core::DaLane::Batch,
        data: format!("{seed} {index}").into_bytes().into(),
    });
    rollwright_core::PostingUnit::new(alloy_primitives::keccak256(seed), blobs.collect())
}
