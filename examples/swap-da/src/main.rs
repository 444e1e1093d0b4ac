#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "the example tells what it does")]

mod cost;

use rollwright::{
    config::{BlockTimeSetting, DaChoice},
    core::BlockId,
    da_ethereum::Anvil,
    dev::DevOptions,
    prelude::*,
    testing,
};

/// Receives the transfers.
const TO: Address = Address::repeat_byte(0x11);

/// What a block says of itself, whatever layer it is posted to.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: String,
    gas_used: u64,
}

/// What follows from where it stands on DA.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    anchor: Option<B256>,
    prev_randao: B256,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("cost") {
        println!("{}", cost::table()?);
        return Ok(());
    }
    let mut layers = vec![DaChoice::Local, DaChoice::Celestia];
    match Anvil::find() {
        Some(_) => layers.push(DaChoice::Ethereum),
        None => println!("anvil is not installed: leaving out Ethereum blobs"),
    }
    compare(&layers).await
}

/// Runs the transfers on each layer, and fails where a body or receipt differs.
async fn compare(layers: &[DaChoice]) -> anyhow::Result<()> {
    let mut first: Option<Vec<(Content, Place)>> = None;
    for &layer in layers {
        let blocks = run_on(layer).await?;
        println!("{}: {} blocks, all safe", layer.layer(), blocks.len());
        let Some(first) = &first else {
            first = Some(blocks);
            continue;
        };
        anyhow::ensure!(first.len() == blocks.len(), "another number of blocks");
        for ((content, place), (other, elsewhere)) in first.iter().zip(&blocks) {
            anyhow::ensure!(content == other, "{content:?} and {other:?}");
            anyhow::ensure!(place.anchor != elsewhere.anchor, "one anchor on two layers");
            anyhow::ensure!(place.prev_randao != elsewhere.prev_randao, "one DA hash");
        }
    }
    println!("same transactions, bodies and receipts on each layer");
    Ok(())
}

/// The blocks that hold the transfers, each derived from the layer.
async fn run_on(layer: DaChoice) -> anyhow::Result<Vec<(Content, Place)>> {
    let folder = tempfile::tempdir()?;
    let options = DevOptions {
        da: Some(layer),
        // A block for each transfer, so that equal numbers of them are made.
        block_time: BlockTimeSetting::Auto,
        da_block_time: "500ms".parse().map_err(anyhow::Error::msg)?,
        ..DevOptions::new(folder.path())
    };
    let project = options.prepare().await?.for_tests();
    let node = Stock::builder(&project)
        .await?
        .settlement(Sovereign::new())
        .messaging(NoMessaging)
        .start()
        .await?;
    let mut blocks = Vec::new();
    for value in 1..=5u64 {
        let receipt = testing::transfer(&node, 0, TO, U256::from(value)).await?;
        testing::wait_until_safe(&node, receipt.block).await?;
        let store = node.layers().execution.store();
        let header = store
            .header(BlockId::Hash(receipt.block.hash))?
            .ok_or_else(|| anyhow::anyhow!("a safe block was rebuilt"))?;
        let content = Content {
            transactions_root: header.transactions_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom.to_string(),
            gas_used: header.gas_used,
        };
        let place = Place {
            anchor: header.parent_beacon_block_root,
            prev_randao: header.mix_hash,
        };
        blocks.push((content, place));
    }
    node.stop().await?;
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn bodies_and_receipts_do_not_depend_on_the_layer() {
        let layers = [DaChoice::Local, DaChoice::Celestia];
        if let Err(error) = compare(&layers).await {
            panic!("{error:#}");
        }
    }
}
