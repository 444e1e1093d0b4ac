//! The ways in which a node is tortured. Each runs a chain through its rounds
//! and gives one line about what it saw, or the first violation.

mod clock;
mod damage;
mod disk;
mod kill;
mod served;
mod sync;

use crate::Setting;
use anyhow::Context;

/// A way to torture a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// `kill -9` at any instant, also while it starts.
    Kill,
    /// A termination signal under load: an orderly stop.
    Terminate,
    /// `kill -9`, and everything that was not synced is lost.
    Power,
    /// The disk is full, by a library between node and system.
    Space,
    /// The disk is full, by a small file system of its own; needs the right to
    /// mount one.
    Disk,
    /// A sync fails, and what it should have saved is lost.
    Sync,
    /// The process that serves the DA layer is killed, or its disk fails.
    Served,
    /// Files that are truncated, flipped, zeroed, or gone.
    Damage,
    /// The clock jumps by an hour, forward and backward.
    Clock,
}

impl Scenario {
    /// Every way.
    pub const ALL: [Self; 9] = [
        Self::Kill,
        Self::Terminate,
        Self::Power,
        Self::Space,
        Self::Disk,
        Self::Sync,
        Self::Served,
        Self::Damage,
        Self::Clock,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Terminate => "terminate",
            Self::Power => "power",
            Self::Space => "space",
            Self::Disk => "disk",
            Self::Sync => "sync",
            Self::Served => "served",
            Self::Damage => "damage",
            Self::Clock => "clock",
        }
    }

    /// Runs it. The result is what was seen; an error is a violation, with the
    /// command that runs the same seed again and the folder that it left.
    pub fn run(self, setting: &Setting) -> anyhow::Result<String> {
        let scratch = tempfile::Builder::new()
            .prefix("rollwright-torture-")
            .tempdir()?;
        let result = match self {
            Self::Kill => kill::kill(setting, scratch.path()),
            Self::Terminate => kill::terminate(setting, scratch.path()),
            Self::Power => kill::power(setting, scratch.path()),
            Self::Space => disk::space(setting, scratch.path()),
            Self::Disk => disk::mounted(setting, scratch.path()),
            Self::Sync => sync::run(setting, scratch.path()),
            Self::Served => served::run(setting, scratch.path()),
            Self::Damage => damage::run(setting, scratch.path()),
            Self::Clock => clock::run(setting, scratch.path()),
        };
        if result.is_ok() {
            return result;
        }
        let kept = scratch.keep();
        let Setting { seed, rounds, .. } = setting;
        result.with_context(|| {
            format!(
                "{name}, seed {seed}: again with `cargo run -p rollwright-torture -- {name} --seed {seed} --rounds {rounds}`; the files are in {}",
                kept.display(),
                name = self.name()
            )
        })
    }
}

/// Why a scenario cannot run here: printed, never silent.
fn skipped(reason: &str) -> String {
    format!("SKIPPED: {reason}")
}
