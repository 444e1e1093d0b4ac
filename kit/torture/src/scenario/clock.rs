use crate::{Chain, Faults, Setting};
use anyhow::{Context, ensure};
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const HOUR_MS: i64 = 3_600_000;

/// How long a chain may stand still after a jump.
const STILL: Duration = Duration::from_secs(60);

/// The wall clock jumps by an hour while the node runs, and between a stop and
/// a start. Blocks go on with rising times; nothing is lost.
pub(super) fn run(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, scratch)?;
    chain.faults = Some(Faults::build(scratch, false)?);
    let mut offset = 0;
    for round in 1..=setting.rounds {
        offset = match round % 4 {
            1 => offset + HOUR_MS,
            2 => offset - HOUR_MS,
            3 => offset - HOUR_MS,
            _ => offset + HOUR_MS,
        };
        jump(&mut chain, offset, random.bool())
            .with_context(|| format!("round {round}, clock off by {offset} ms"))?;
    }
    chain.settle()
}

fn jump(chain: &mut Chain, offset: i64, running: bool) -> anyhow::Result<()> {
    let set = |chain: &Chain| {
        let faults = chain.faults.as_ref().context("no faults")?;
        faults.set_clock_ms(offset)
    };
    if !running {
        set(chain)?;
    }
    let node = chain.up()?;
    let load = chain.load(&node)?;
    if running {
        set(chain)?;
    }
    // Preconfirmed blocks go on, and so do those that DA confirms.
    let heads = node.rpc()?.call("rollwright_heads", &json!([]))?;
    let number = |heads: &serde_json::Value, name: &str| heads[name]["number"].as_u64();
    let (latest, safe) = (number(&heads, "latest"), number(&heads, "safe"));
    let until = Instant::now() + STILL;
    loop {
        let heads = node.rpc()?.call("rollwright_heads", &json!([]))?;
        let (now, derived) = (number(&heads, "latest"), number(&heads, "safe"));
        if now > latest.map(|latest| latest + 10) && derived > safe && derived >= latest {
            break;
        }
        if Instant::now() > until {
            let status = node.rpc()?.call("rollwright_status", &json!([]))?;
            anyhow::bail!("the chain stands still at {heads}: {status}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let ended = node.terminate()?;
    load.end()?;
    ensure!(
        ended.status.success(),
        "an orderly stop failed: {}",
        ended.log
    );
    chain.verify()?;
    Ok(())
}
