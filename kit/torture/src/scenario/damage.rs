use crate::{Chain, Damage, Setting, Start, damage, files};
use anyhow::{Context, ensure};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Every file of a stopped chain is damaged in some way. Either the node goes
/// on with everything that it had acknowledged, or it refuses with an error
/// that names the cause; and what that error advises brings the chain back.
pub(super) fn run(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, scratch)?;
    chain.post_often = true;
    let made = chain.up()?.terminate()?;
    ensure!(made.status.success(), "no chain: {}", made.log);
    let mut node = chain.up()?;
    let load = chain.load(&node)?;
    // A snapshot is of what is final.
    let mut snapshot = 0;
    while snapshot < 5 {
        let heads = node.wait_for("heads")?;
        snapshot = heads["finalized"]["number"].as_u64().unwrap_or(0);
    }
    std::thread::sleep(Duration::from_millis(1_000));
    let ended = node.terminate()?;
    load.end()?;
    ensure!(ended.status.success(), "it did not stop: {}", ended.log);
    chain.ledger.lock().sent.clear();
    let snapshot = Snapshot::take(&chain, &scratch.join("snapshot"))?;

    let list = files(chain.folder())?;
    let mut seen = Seen::default();
    for round in 1..=setting.rounds {
        let file = pick(&list, &mut random);
        let kind = Damage::ALL[random.usize(..Damage::ALL.len())];
        let copy = scratch.join(format!("copy-{round}"));
        damage::copy(chain.folder(), &copy)?;
        if kind.apply(&copy.join(&file), &mut random)? {
            let snapshot = Some(&snapshot).filter(|_| random.bool());
            hit(&chain, &copy, &file, snapshot, &mut seen)
                .with_context(|| format!("round {round}: {} {kind:?}", file.display()))?;
        }
        fs::remove_dir_all(&copy)?;
    }
    Ok(seen.to_string())
}

/// Half of the hits go to the DA file and the blocks' journal, which are most
/// of the data, the rest to any file.
fn pick(list: &[PathBuf], random: &mut fastrand::Rng) -> PathBuf {
    let named: Vec<&PathBuf> = list
        .iter()
        .filter(|path| path.ends_with("da") || path.extension().is_some_and(|end| end == "jnl"))
        .collect();
    let all: Vec<&PathBuf> = list.iter().collect();
    let from = if random.bool() && !named.is_empty() {
        named
    } else {
        all
    };
    from[random.usize(..from.len())].clone()
}

/// The final state of the good chain, in one file.
struct Snapshot {
    file: PathBuf,
    /// Its block: what is below is not in it.
    number: u64,
}

impl Snapshot {
    fn take(chain: &Chain, file: &Path) -> anyhow::Result<Self> {
        let (folder, path) = (chain.folder().to_string_lossy(), file.to_string_lossy());
        let answer =
            chain.command(&["snapshot", "export", "--json", "--datadir", &folder, &path])?;
        Ok(Self {
            file: file.to_owned(),
            number: answer["block"]["number"].as_u64().context("no block")?,
        })
    }

    fn import(&self, chain: &Chain) -> anyhow::Result<()> {
        let (folder, path) = (
            chain.folder().to_string_lossy(),
            self.file.to_string_lossy(),
        );
        chain.command(&["snapshot", "import", "--json", "--datadir", &folder, &path])?;
        Ok(())
    }
}

#[derive(Default)]
struct Seen {
    went_on: u32,
    from_snapshot: u32,
    refused: BTreeMap<String, u32>,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} went on with everything; refused, and brought back as advised ({} from a snapshot): {:?}",
            self.went_on, self.from_snapshot, self.refused
        )
    }
}

fn hit(
    good: &Chain,
    copy: &Path,
    file: &Path,
    snapshot: Option<&Snapshot>,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    let mut chain = good.copy_to(copy);
    if serves(&mut chain, 0, seen)? {
        seen.went_on += 1;
        return Ok(());
    }
    // As the error's page has it: a damaged `state/` is deleted, and the node
    // derives the blocks again, all of them or those above a snapshot; any
    // other file is restored from a copy.
    let mut below = 0;
    if file.starts_with("state") {
        fs::remove_dir_all(copy.join("state"))?;
        if let Some(snapshot) = snapshot {
            snapshot.import(&chain)?;
            below = snapshot.number;
            seen.from_snapshot += 1;
        }
    } else {
        fs::copy(good.folder().join(file), copy.join(file))?;
    }
    ensure!(
        serves(&mut chain, below, seen)?,
        "what the error advises does not bring the chain back: {:?}",
        seen.refused
    );
    Ok(())
}

/// True where the node starts, has everything, makes blocks, stops in order,
/// and the chain verifies; false where it refuses on the way.
fn serves(chain: &mut Chain, below: u64, seen: &mut Seen) -> anyhow::Result<bool> {
    let mut refuse = |code: &str| *seen.refused.entry(code.to_owned()).or_default() += 1;
    let mut node = match chain.start()? {
        Start::Up(node) => node,
        Start::Down(ended) => {
            refuse(ended.refusal()?);
            return Ok(false);
        }
    };
    if let Err(error) = follow(chain, &mut node, below) {
        // It may have found the damage meanwhile, and be about to end.
        if !node.ends_within(Duration::from_secs(5))? {
            return Err(error);
        }
        refuse(node.wait()?.refusal()?);
        return Ok(false);
    }
    let ended = node.terminate()?;
    if !ended.status.success() {
        refuse(ended.refusal()?);
        return Ok(false);
    }
    match chain.verify() {
        Ok(_) => Ok(true),
        Err(error) => {
            let text = error.to_string();
            ensure!(
                text.contains("error[RW-") && !text.contains("panicked at"),
                "{text}"
            );
            let code = text.split("error[").nth(1).and_then(|rest| rest.get(..9));
            refuse(&format!("verify: {}", code.unwrap_or_default()));
            Ok(false)
        }
    }
}

/// Waits until all that was posted is derived, and checks all of the ledger.
fn follow(chain: &Chain, node: &mut crate::Node, below: u64) -> anyhow::Result<()> {
    let ledger = chain.ledger.lock();
    let highest = ledger.blocks.keys().next_back().copied().unwrap_or(0);
    loop {
        let heads = node.wait_for("heads")?;
        if heads["safe"]["number"].as_u64() >= Some(highest) {
            break;
        }
    }
    ledger.check(node.rpc()?, true, below)
}
