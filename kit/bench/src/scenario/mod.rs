//! The measurements, one file each.

mod burst;
mod demand;
mod derive;
mod growth;
mod join;
mod overload;
mod reads;
mod run;
mod start;
mod sustained;

pub use run::{Plan, Round, measure};

use crate::{Flags, Scenario, node::Programs, report::Report};
use anyhow::Result;
use std::time::Duration;

/// What every measurement is given.
#[derive(Debug)]
pub struct Bench {
    /// The commands that are measured.
    pub programs: Programs,
    /// How often each is.
    pub rounds: u32,
    /// Connections of the load generator.
    pub connections: usize,
}

/// Measures what the flags say.
///
/// Nodes are started and stopped one after the other; nothing of theirs stays
/// on the disk. An error ends the run: figures of a run that went wrong are
/// worth nothing.
pub async fn run(flags: &Flags) -> Result<Report> {
    let bench = Bench {
        programs: Programs::find(flags.rollwright.clone(), flags.anvil.clone(), flags.alone)?,
        rounds: flags.rounds.max(1),
        connections: flags.connections as usize,
    };
    let mut report = Report::new();
    match &flags.scenario {
        Scenario::Sustained {
            transactions,
            batch,
            erc20,
            block_time,
            rate,
        } => {
            let plan = Plan {
                transactions: *transactions,
                connections: bench.connections,
                batch: *batch as usize,
                erc20: *erc20,
                block_time: crate::node::BlockTime::Every(*block_time),
                rate: *rate,
            };
            sustained::run(&bench, &plan, &mut report).await?;
        }
        Scenario::Burst { transactions } => burst::run(&bench, *transactions, &mut report).await?,
        Scenario::Demand { rate, seconds } => {
            demand::run(&bench, *rate, *seconds, &mut report).await?;
        }
        Scenario::Reads { seconds, only } => {
            let each = Duration::from_secs(u64::from(*seconds));
            reads::run(&bench, each, only, &mut report).await?;
        }
        Scenario::Start => start::run(&bench, &mut report).await?,
        Scenario::Derive { transactions } => {
            derive::run(&bench, *transactions, &mut report).await?;
        }
        Scenario::Growth { behind, over } => {
            growth::run(&bench, behind, over, &mut report).await?;
        }
        Scenario::Overload { clients, seconds } => {
            let time = Duration::from_secs(u64::from(*seconds));
            overload::run(&bench, *clients, time, &mut report).await?;
        }
    }
    Ok(report)
}
