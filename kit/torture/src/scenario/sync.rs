use crate::{Chain, Faults, Setting};
use anyhow::{Context, ensure};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// How long a node may take to notice that nothing reaches the disk.
const NOTICE: Duration = Duration::from_secs(60);

/// A sync fails at a random instant and so do all after it. The node must end
/// with an error of the disk; what the failed syncs were to save is taken from
/// it; what it had acknowledged must be there.
pub(super) fn run(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, scratch)?;
    chain.post_often = true;
    chain.faults = Some(Faults::build(scratch, true)?);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for round in 1..=setting.rounds {
        let good = random.u32(..120);
        let code = fail(&mut chain, good).with_context(|| format!("round {round}"))?;
        *seen.entry(code).or_default() += 1;
    }
    let report = chain.settle()?;
    Ok(format!("{report}, {seen:?}"))
}

fn fail(chain: &mut Chain, good: u32) -> anyhow::Result<String> {
    let faults = chain.faults.as_ref().context("no faults")?;
    faults.heal()?;
    let mut node = chain.up()?;
    let load = chain.load(&node)?;
    let faults = chain.faults.as_ref().context("no faults")?;
    faults.set_syncs(Some(good))?;
    if !node.ends_within(NOTICE)? {
        node.kill()?;
        load.end()?;
        anyhow::bail!("no sync has worked for {NOTICE:?}, and the node goes on");
    }
    load.end()?;
    let ended = node.wait()?;
    let code = ended.refusal()?.to_owned();
    ensure!(
        code.starts_with("RW-DA-") || code.starts_with("RW-STORE-"),
        "no sync worked, and the node said {code}: {}",
        ended.log
    );
    chain.lose_power()?;
    chain.faults.as_ref().context("no faults")?.heal()?;
    Ok(code)
}
