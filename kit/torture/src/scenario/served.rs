use crate::{Chain, Ended, Faults, Load, Node, Setting};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

/// How long a server may go on after its file failed.
const NOTICE: Duration = Duration::from_secs(60);

/// How long a node may take to go on once its DA layer is back.
const RETURN: Duration = Duration::from_secs(60);

/// `rollwright da serve` in a process of its own: it is killed, its disk is
/// full, or its syncs fail. A server whose file failed must end and say so. The
/// node beside it goes on, and posts once the layer is served again.
pub(super) fn run(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, scratch)?;
    chain.post_often = true;
    let made = chain.up()?.terminate()?;
    ensure!(made.status.success(), "no chain: {}", made.log);

    chain.faults = Some(Faults::build(scratch, true)?);
    let (mut server, url) = chain.serve("127.0.0.1:0")?;
    let address = url.trim_start_matches("http://").to_owned();
    // The node itself has no faults.
    chain.da_url = Some(url);
    let node = chain.up()?;
    let load = chain.load(&node)?;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for round in 1..=setting.rounds {
        let what = ["killed", "full", "sync"][random.usize(..3)];
        std::thread::sleep(Duration::from_millis(random.u64(..800)));
        let ended = break_it(&chain, server, what, &mut random)
            .with_context(|| format!("round {round}: {what}"))?;
        if let Some(ended) = ended {
            let code = ended.refusal().with_context(|| format!("round {round}"))?;
            ensure!(
                code.starts_with("RW-DA-"),
                "round {round}: {what}, and the server said {code}: {}",
                ended.log
            );
            *seen.entry(code.to_owned()).or_default() += 1;
        } else {
            *seen.entry(what.to_owned()).or_default() += 1;
        }
        chain.lose_power()?;
        chain.faults.as_ref().context("no faults")?.heal()?;
        let before = safe(&node)?;
        server = chain.serve(&address)?.0;
        goes_on(&node, before).with_context(|| format!("round {round}: after {what}"))?;
    }
    stop(&mut chain, node, load, server)?;
    let report = chain.settle()?;
    Ok(format!("{report}, {seen:?}"))
}

/// Ends the server one way or another; what it said, where it could.
fn break_it(
    chain: &Chain,
    mut server: Node,
    what: &str,
    random: &mut fastrand::Rng,
) -> anyhow::Result<Option<Ended>> {
    let faults = chain.faults.as_ref().context("no faults")?;
    match what {
        "killed" => {
            server.kill()?;
            return Ok(None);
        }
        "full" => faults.set_space(Some(random.u64(..60_000)))?,
        _ => faults.set_syncs(Some(random.u32(..20)))?,
    }
    ensure!(
        server.ends_within(NOTICE)?,
        "its file failed {NOTICE:?} ago, and it goes on"
    );
    server.wait().map(Some)
}

fn safe(node: &Node) -> anyhow::Result<u64> {
    let heads: Value = node.rpc()?.call("rollwright_heads", &json!([]))?;
    heads["safe"]["number"].as_u64().context("no safe head")
}

fn goes_on(node: &Node, before: u64) -> anyhow::Result<()> {
    let until = Instant::now() + RETURN;
    while safe(node)? <= before {
        ensure!(
            Instant::now() < until,
            "the DA layer is back for {RETURN:?}, and nothing above block {before} became safe"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn stop(chain: &mut Chain, node: Node, load: Load, server: Node) -> anyhow::Result<()> {
    let ended = node.terminate()?;
    load.end()?;
    ensure!(
        ended.status.success(),
        "an orderly stop failed: {}",
        ended.log
    );
    let ended = server.terminate()?;
    ensure!(
        ended.status.success(),
        "the server's orderly stop failed: {}",
        ended.log
    );
    chain.da_url = None;
    chain.faults = None;
    Ok(())
}
