use super::skipped;
use crate::{Chain, Faults, Setting, Start};
use anyhow::{Context, ensure};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// What a node may say of a full disk.
const FULL: [&str; 5] = [
    "RW-DA-127",
    "RW-STORE-116",
    "RW-STORE-118",
    "RW-CLI-002",
    "RW-CFG-012",
];

/// How long a node may go on beside a full disk before it has to say so.
const NOTICE: Duration = Duration::from_secs(60);

pub(super) fn space(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, scratch)?;
    chain.post_often = true;
    chain.faults = Some(Faults::build(scratch, false)?);
    let mut seen = BTreeMap::new();
    for round in 1..=setting.rounds {
        let room = random.u64(..400_000);
        let starting = random.u8(..4) == 0;
        fill(&mut chain, room, starting, &mut seen).with_context(|| format!("round {round}"))?;
    }
    let report = chain.settle()?;
    Ok(format!("{report}, {seen:?}"))
}

/// Fills the disk before or after the start, waits for the node to say so, and
/// makes room again.
fn fill(
    chain: &mut Chain,
    room: u64,
    starting: bool,
    seen: &mut BTreeMap<String, u32>,
) -> anyhow::Result<()> {
    let set = |chain: &Chain, bytes| {
        let faults = chain.faults.as_ref().context("no faults")?;
        faults.set_space(bytes)
    };
    let ended = if starting {
        set(chain, Some(room / 40))?;
        match chain.start()? {
            Start::Down(ended) => Some(ended),
            Start::Up(node) => {
                let load = chain.load(&node)?;
                Some(wait_for_notice(node, load, || set(chain, Some(0)))?)
            }
        }
    } else {
        let node = chain.up()?;
        let load = chain.load(&node)?;
        set(chain, Some(room))?;
        Some(wait_for_notice(node, load, || set(chain, Some(0)))?)
    };
    set(chain, None)?;
    if let Some(ended) = ended {
        let code = ended.refusal()?;
        ensure!(
            FULL.contains(&code) && ended.message().contains("full"),
            "the disk was full, and the node said {code}: {}",
            ended.log
        );
        *seen.entry(code.to_owned()).or_default() += 1;
    }
    Ok(())
}

/// Waits until the node ends. What room is left goes after a while, for a slow
/// machine uses it up slowly.
fn wait_for_notice(
    mut node: crate::Node,
    load: crate::Load,
    take_the_rest: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<crate::Ended> {
    if !node.ends_within(SLOW)? {
        take_the_rest()?;
    }
    if !node.ends_within(NOTICE)? {
        let ended = node.terminate()?;
        load.end()?;
        anyhow::bail!("a full disk was not told in {NOTICE:?}: {}", ended.log);
    }
    load.end()?;
    node.wait()
}

/// How long a node may live on the room that is left.
const SLOW: Duration = Duration::from_secs(5);

/// A small file system that is unmounted when dropped.
struct Mount<'a>(&'a Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

pub(super) fn mounted(setting: &Setting, scratch: &Path) -> anyhow::Result<String> {
    let disk = scratch.join("disk");
    fs::create_dir(&disk)?;
    let permitted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=24m", "rollwright-torture"])
        .arg(&disk)
        .stderr(Stdio::null())
        .status();
    if !permitted.is_ok_and(|status| status.success()) {
        return Ok(skipped(
            "mounting a file system is not permitted here; `space` fills a disk without one",
        ));
    }
    let _mount = Mount(&disk);
    let mut random = fastrand::Rng::with_seed(setting.seed);
    let mut chain = Chain::new(setting, &disk)?;
    chain.post_often = true;
    let ballast = disk.join("ballast");
    for round in 1..=setting.rounds {
        let node = chain.up().with_context(|| format!("round {round}"))?;
        let load = chain.load(&node)?;
        std::thread::sleep(Duration::from_millis(random.u64(..500)));
        take_what_is_left(&ballast, random.u64(..200_000))?;
        let rest = disk.join("rest");
        let ended = wait_for_notice(node, load, || take_what_is_left(&rest, 0))
            .with_context(|| format!("round {round}"))?;
        fs::remove_file(&ballast)?;
        if rest.exists() {
            fs::remove_file(&rest)?;
        }
        let code = ended.refusal()?;
        ensure!(
            FULL.contains(&code),
            "round {round}: the disk was full, and the node said {code}: {}",
            ended.log
        );
    }
    chain.settle()
}

/// Writes until nothing fits, then gives `back` bytes back.
fn take_what_is_left(path: &Path, back: u64) -> anyhow::Result<()> {
    use std::io::Write;
    let mut file = fs::File::create(path)?;
    let block = vec![0xa5; 64 << 10];
    let mut size = 0;
    while let Ok(written) = file.write(&block) {
        size += written as u64;
        if written < block.len() {
            break;
        }
    }
    Ok(file.set_len(size.saturating_sub(back))?)
}
