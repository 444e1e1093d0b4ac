//! A claim is published on Celestia; a contract on a rollup accepts it with a
//! proof, and no claim without one.

#![expect(clippy::print_stdout, reason = "the example tells what it does")]

mod contract;
mod user;

use anyhow::{Context, ensure};
use contract::{Claims, claims_init_code};
use rollwright::{
    core::{BlockId, DaHeight, DaLane, PostingUnit, SubmissionStatus},
    da_celestia::{
        CelestiaConfig, CelestiaDa, Checkpoint, onchain::PublishedBlob, parse_namespace,
    },
    dev::DevOptions,
    node::SystemClock,
    prelude::*,
};
use std::{path::Path, sync::Arc, time::Duration};
use user::User;

/// Where claims lie; the rollup's own batches are in another namespace.
const NAMESPACE: &str = "claims";

/// The rollup: which type is which layer.
struct Rolled;

impl Rollup for Rolled {
    type Execution = EvmEngine;
    type Da = BoxDa;
    type Settlement = Sovereign;
    type Messaging = NoMessaging;
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    run(folder.path()).await.map(drop)
}

/// Where the story ended.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the test reads it"))]
struct End {
    published: u64,
    accepted: u64,
    forged: [bool; 3],
    gas: u64,
}

async fn run(folder: &Path) -> anyhow::Result<End> {
    let mut options = DevOptions::new(folder);
    options.da = Some(rollwright::config::DaChoice::Celestia);
    options.block_time = "300ms".parse().map_err(anyhow::Error::msg)?;
    options.da_block_time = rollwright::config::Period::from_millis(1000);
    let project = options.prepare().await?.for_tests();
    let node = Builder::<Rolled>::new(&project)
        .execution(project.evm()?)
        .da(project.da().await?)
        .settlement(Sovereign::new())
        .messaging(NoMessaging)
        .start()
        .await?;
    let mut user = User::new(&node)?;
    let contract = user.deploy(&node, claims_init_code()?).await?;
    println!("contract {contract} accepts what stands on Celestia");

    // Somebody publishes a claim. It has nothing to do with the rollup yet.
    let celestia = celestia(&project).await?;
    let claim = b"The bridge of Ghent was built in 1902. ".repeat(40);
    let (blob, timestamp, preimage) = publish_under_an_anchor(&node, &celestia, &claim).await?;
    let height = blob.header.height;
    println!("{} bytes published in Celestia block {height}", claim.len());
    let accept = |claim: &[u8], blob: &PublishedBlob| {
        Claims::accept(timestamp, &preimage, claim, &blob.proof)
    };
    let (ok, gas) = user.call(&node, contract, accept(&claim, &blob)).await?;
    ensure!(ok, "the proof was not accepted");
    let accepted = user.slot(&node, contract, Claims::slot(&claim))?;
    println!("accepted with {gas} gas: published at {accepted}");

    // Nothing else is accepted with it.
    let mut other = claim.clone();
    other[20] ^= 1;
    let mut moved = blob.clone();
    moved.proof.start += 1;
    let calls = [
        accept(&other, &blob),
        accept(&claim[1..], &blob),
        accept(&claim, &moved),
    ];
    let mut forged = [false; 3];
    for (result, call) in forged.iter_mut().zip(calls) {
        *result = user.call(&node, contract, call).await?.0;
    }
    ensure!(
        user.slot(&node, contract, Claims::slot(&other))? == 0,
        "a forged claim was accepted"
    );
    println!("another claim, a part of it, and another place are refused");
    celestia.close();
    node.stop().await?;
    Ok(End {
        published: height.0,
        accepted,
        forged,
        gas,
    })
}

/// A handle of its own on the rollup's Celestia, at the claims' namespace.
async fn celestia(project: &Project) -> anyhow::Result<CelestiaDa> {
    let url = project.celestia_devnet_url().context("no devnet runs")?;
    let network = project.rollup().da.network.clone();
    let mut config = CelestiaConfig::new(vec![url], network, parse_namespace(NAMESPACE)?);
    config.trusting_period = None;
    config.block_time = Duration::from_millis(500);
    let open = |config| CelestiaDa::open(config, Arc::new(SystemClock));
    // Trust begins at the first block, as the rollup's own does.
    let first = open(config.clone())?.header(DaHeight(1)).await?;
    config.checkpoint = Some(Checkpoint {
        height: first.height,
        hash: first.hash,
    });
    Ok(open(config)?)
}

/// Publishes a claim in a Celestia block that a block of the rollup stands on,
/// which then has its root. The sequencer may pass over a block when it is
/// behind; then the claim is published again.
async fn publish_under_an_anchor(
    node: &Running<Rolled>,
    celestia: &CelestiaDa,
    claim: &[u8],
) -> anyhow::Result<(PublishedBlob, u64, Vec<u8>)> {
    for salt in 1..=8 {
        let blob = publish(celestia, claim, B256::repeat_byte(salt)).await?;
        if let Some((timestamp, preimage)) = anchor_on(node, blob.header.height).await {
            return Ok((blob, timestamp, preimage));
        }
    }
    anyhow::bail!("the rollup stands on none of eight Celestia blocks with the claim")
}

/// Posts a claim as a blob, and proves that it stands there.
async fn publish(celestia: &CelestiaDa, claim: &[u8], salt: B256) -> anyhow::Result<PublishedBlob> {
    let blob = rollwright::core::Blob {
        lane: DaLane::Batch,
        data: claim.to_vec().into(),
    };
    let unit = PostingUnit::new(salt, vec![blob]);
    loop {
        if let SubmissionStatus::Included { blobs } = celestia.submit(&unit).await?.status {
            let blob = blobs.first().context("a unit of one blob")?;
            return Ok(celestia.prove_for_contract(blob).await?);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Time and anchor of the first block of the rollup on a DA block; `None` where
/// the rollup passed over it.
async fn anchor_on(node: &Running<Rolled>, height: DaHeight) -> Option<(u64, Vec<u8>)> {
    let api = node.api();
    let mut number = 0;
    loop {
        let Some(record) = api.block(BlockId::Number(number)) else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        number += 1;
        if let Some(anchor) = &record.anchor
            && anchor.origin.height >= height
        {
            let found = anchor.origin.height == height;
            return found.then(|| (record.timestamp, anchor.encode()));
        }
    }
}

#[cfg(test)]
mod tests;
