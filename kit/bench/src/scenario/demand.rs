use super::{Bench, Plan, sustained};
use crate::{node::BlockTime, report::Report};
use anyhow::Result;

/// Blocks on demand, transfers at a steady rate whatever the node does.
pub(super) async fn run(bench: &Bench, rate: u32, seconds: u32, report: &mut Report) -> Result<()> {
    let plan = Plan {
        transactions: (rate * seconds) as usize,
        connections: bench.connections,
        batch: 1,
        erc20: false,
        block_time: BlockTime::OnDemand,
        rate: Some(rate),
    };
    sustained::run(bench, &plan, report).await
}
