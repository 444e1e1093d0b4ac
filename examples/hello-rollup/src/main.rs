//! A rollup in forty lines: name the layers, start them, send a transfer.

#![expect(clippy::print_stdout, reason = "the example tells what it does")]

use rollwright::{dev::DevOptions, prelude::*, testing};
use std::path::Path;

/// The rollup: which type is which layer.
struct Hello;

impl Rollup for Hello {
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

/// The transfer's block and what its receiver has then.
async fn run(folder: &Path) -> anyhow::Result<(u64, U256)> {
    // A development chain: funded test accounts, an embedded DA layer.
    let project = DevOptions::new(folder).prepare().await?.for_tests();
    let node = Builder::<Hello>::new(&project)
        .execution(project.evm()?)
        .da(project.da().await?)
        .continue_on(project.later_da().await?)
        .settlement(Sovereign::new())
        .messaging(NoMessaging)
        .start()
        .await?;
    println!("hello-rollup listens on http://{}", node.rpc_address());

    let to = Address::repeat_byte(0x11);
    let receipt = testing::transfer(&node, 0, to, U256::from(1)).await?;
    let (block, balance) = (receipt.block, testing::balance(&node, to)?);
    println!("{balance} wei arrived in block {}", block.number);

    testing::wait_until_safe(&node, block).await?;
    println!(
        "block {} is safe: it can be derived from DA alone",
        block.number
    );
    node.stop().await?;
    Ok((block.number, balance))
}

#[cfg(test)]
mod tests;
