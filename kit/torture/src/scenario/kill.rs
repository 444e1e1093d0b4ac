use crate::{Chain, Faults, Setting};
use anyhow::{Context, ensure};
use std::{path::Path, time::Duration};

/// Rounds between two checks of the whole chain against DA.
const VERIFIED_EVERY: u32 = 10;

pub(super) fn kill(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, scratch)?;
    chain.post_often = true;
    for round in 1..=setting.rounds {
        hit(&mut chain, &mut random).with_context(|| format!("round {round}"))?;
        if round % VERIFIED_EVERY == 0 {
            chain.verify().with_context(|| format!("round {round}"))?;
            chain
                .check_postings()
                .with_context(|| format!("round {round}"))?;
        }
    }
    chain.settle()
}

/// One kill: mostly under load, sometimes before the node serves.
fn hit(chain: &mut Chain, random: &mut fastrand::Rng) -> anyhow::Result<()> {
    if random.u8(..4) == 0 {
        let mut node = chain.spawn()?;
        std::thread::sleep(Duration::from_millis(random.u64(..600)));
        return node.kill();
    }
    chain.kill_under_load(Duration::from_millis(random.u64(20..1_500)))
}

pub(super) fn power(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, scratch)?;
    chain.post_often = true;
    chain.faults = Some(Faults::build(scratch, true)?);
    let mut undone = 0;
    for round in 1..=setting.rounds {
        hit(&mut chain, &mut random).with_context(|| format!("round {round}"))?;
        undone += chain.lose_power()?;
    }
    let report = chain.settle()?;
    ensure!(
        undone > 0 || setting.rounds < 3,
        "no power cut undid anything: nothing was tested"
    );
    Ok(format!("{report}, {undone} writes lost"))
}

pub(super) fn terminate(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, scratch)?;
    chain.post_often = true;
    for round in 1..=setting.rounds {
        let node = chain.up()?;
        let load = chain.load(&node)?;
        std::thread::sleep(Duration::from_millis(random.u64(..1_500)));
        let ended = node.terminate()?;
        load.end()?;
        ensure!(
            ended.status.success(),
            "round {round}: an orderly stop ended with {}: {}",
            ended.status,
            ended.log
        );
        let verified = chain.verify().with_context(|| format!("round {round}"))?;
        ensure!(
            verified.unposted == 0,
            "round {round}: {} blocks are not posted after an orderly stop: {}",
            verified.unposted,
            ended.log
        );
    }
    chain.settle()
}
