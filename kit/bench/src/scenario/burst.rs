use super::{Bench, Plan, sustained};
use crate::{node::BlockTime, report::Report};
use anyhow::Result;

/// Transfers in batches of 100, as fast as they are taken; every one must be
/// included.
pub(super) async fn run(bench: &Bench, transactions: usize, report: &mut Report) -> Result<()> {
    let plan = Plan {
        transactions,
        connections: bench.connections,
        batch: 100,
        erc20: false,
        block_time: BlockTime::Every(1_000),
        rate: None,
    };
    sustained::run(bench, &plan, report).await
}
