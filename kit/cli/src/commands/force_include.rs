//! `rollwright force-include`

use crate::{
    args::ForceInclude,
    failure::Failure,
    ui::{Console, Progress},
};
use alloy_primitives::{B256, Bytes, hex, keccak256};
use rollwright::{
    core::{Blob, DaLane, DataAvailability, LayerError, PostingUnit, SubmissionStatus},
    derive::{BatchCodec, ForcedBlob},
    evm::codec::EvmCodec,
};
use serde_json::json;
use std::time::Duration;

/// Where signed transactions come from.
const HOW_TO_SIGN: &str =
    "`cast mktx TO --value 1 --private-key KEY --rpc-url URL` prints one: 0x02f8…";

/// Longest wait for the DA layer, in blocks of the layer.
const PATIENCE_BLOCKS: u32 = 60;

/// Posts signed transactions to the forced lane, past the sequencer. After
/// the chain's delay every node includes them by itself.
pub(crate) async fn run(console: &Console, args: &ForceInclude) -> Result<(), Failure> {
    let (project, da) = super::da::open(&args.target).await?;
    let rollup = project.rollup();
    let codec = EvmCodec::new(project.chain_id());
    let mut transactions = Vec::with_capacity(args.transactions.len());
    for (index, text) in args.transactions.iter().enumerate() {
        let at = format!("TX {}", index + 1);
        let bytes: Bytes = hex::decode(text.trim()).map(Bytes::from).map_err(|error| {
            Failure::usage(format!("this is not hex: {error}"))
                .at(at.clone())
                .help(HOW_TO_SIGN)
        })?;
        let facts = codec.check_forced(&bytes).map_err(|error| {
            Failure::new(
                "RW-CLI-006",
                format!("the forced lane does not admit this transaction: {error}"),
            )
            .at(at.clone())
            .help(format!(
                "it must be a whole signed transaction of type 0, 1, 2 or 4 for chain {}, with replay protection",
                project.chain_id()
            ))
            .help(HOW_TO_SIGN)
        })?;
        if facts.gas_limit > rollup.forced.block_gas {
            return Err(Failure::new(
                "RW-CLI-006",
                format!(
                    "its gas limit is {}, the forced lane takes at most {}",
                    facts.gas_limit, rollup.forced.block_gas
                ),
            )
            .at(at));
        }
        transactions.push(bytes);
    }
    let hashes: Vec<B256> = transactions.iter().map(keccak256).collect();
    let blob = Blob {
        lane: DaLane::Forced,
        data: ForcedBlob::encode(&project.rollup_id(), &transactions).into(),
    };
    // A salt of its own: who posts a transaction again means it.
    let unit = PostingUnit::new(B256::random(), vec![blob]);
    let status = post(console, &da, &unit, !args.no_wait).await?;

    let delay = rollup.timing.force_delay;
    let text = match &status {
        SubmissionStatus::Included { blobs } => {
            let height = blobs.first().map_or(0, |blob| blob.block.height.0);
            format!("posted in DA block {height}; due {delay} DA blocks later")
        }
        SubmissionStatus::Accepted => {
            format!("accepted by the DA layer; due {delay} DA blocks after its inclusion")
        }
    };
    let lines: Vec<String> = hashes.iter().map(B256::to_string).chain([text]).collect();
    let blobs = match status {
        SubmissionStatus::Included { blobs } => blobs,
        SubmissionStatus::Accepted => Vec::new(),
    };
    console.result(
        &lines.join("\n"),
        &json!({ "transactions": hashes, "blobs": blobs, "dueAfterDaBlocks": delay }),
    );
    Ok(())
}

async fn post(
    console: &Console,
    da: &impl DataAvailability,
    unit: &PostingUnit,
    wait: bool,
) -> Result<SubmissionStatus, Failure> {
    let block_time = da.caps().block_time;
    let deadline =
        tokio::time::Instant::now() + block_time.max(Duration::from_millis(500)) * PATIENCE_BLOCKS;
    let progress = Progress::start(
        console,
        "waiting for the DA layer to include the transactions",
        None,
    );
    let result = loop {
        let last = match da.submit(unit).await {
            Ok(submission) => match submission.status {
                included @ SubmissionStatus::Included { .. } => break Ok(included),
                SubmissionStatus::Accepted if !wait => break Ok(SubmissionStatus::Accepted),
                SubmissionStatus::Accepted => "accepted, and in no block yet".to_owned(),
            },
            Err(error) if error.is_retryable() => error.to_string(),
            Err(error) => break Err(Failure::layer(&error)),
        };
        if tokio::time::Instant::now() >= deadline {
            break Err(Failure::new("RW-CLI-007", "the DA layer did not include the transactions in time")
                .tried(last)
                .help("run the command again; `rollwright da status` shows whether the layer makes blocks")
                .network());
        }
        tokio::time::sleep(
            (block_time / 4).clamp(Duration::from_millis(20), Duration::from_secs(2)),
        )
        .await;
    };
    progress.finish();
    result
}
