//! Faults that are preloaded into a node.

use anyhow::Context;
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

/// A library that stands between a node and the system, and its settings.
#[derive(Debug)]
pub struct Faults {
    library: PathBuf,
    settings: PathBuf,
    file: File,
    record: Option<PathBuf>,
}

/// Positions in the settings file; see `faults.c`.
#[derive(Clone, Copy)]
enum Field {
    Clock,
    Space,
    Syncs,
    Loaded,
}

impl Faults {
    /// Builds the library in `folder` with the system's C compiler: `$CC`, else
    /// `cc`, which Rust itself links with. With `record` it notes what a power
    /// cut would undo.
    pub fn build(folder: &Path, record: bool) -> anyhow::Result<Self> {
        let source = folder.join("faults.c");
        let library = folder.join("faults.so");
        std::fs::write(&source, include_str!("faults.c"))?;
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let output = Command::new(&compiler)
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .args(["-ldl", "-lpthread"])
            .output()
            .with_context(|| {
                format!(
                    "{} cannot be started: install a C compiler, or name one in CC",
                    compiler.display()
                )
            })?;
        anyhow::ensure!(
            output.status.success(),
            "{}: {}",
            compiler.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        let settings = folder.join("faults.settings");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&settings)?;
        let faults = Self {
            library,
            settings,
            file,
            record: record.then(|| folder.join("undo")),
        };
        faults.set(Field::Loaded, 0)?;
        faults.heal()?;
        Ok(faults)
    }

    /// Moves the wall clock by so much; the monotonic clock goes on.
    pub fn set_clock_ms(&self, ms: i64) -> anyhow::Result<()> {
        self.set(Field::Clock, ms)
    }

    /// Lets files grow by so many bytes; `None` for any number.
    pub fn set_space(&self, bytes: Option<u64>) -> anyhow::Result<()> {
        let bytes = bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        self.set(Field::Space, bytes)
    }

    /// Lets so many syncs succeed, and none after them; `None` for all.
    pub fn set_syncs(&self, syncs: Option<u32>) -> anyhow::Result<()> {
        self.set(Field::Syncs, syncs.map_or(-1, i64::from))
    }

    /// Makes sure that a node which was started under the faults has them: the
    /// system drops a library that it cannot load, with a line in the log.
    pub(crate) fn loaded(&self) -> anyhow::Result<()> {
        let mut bytes = [0; 8];
        self.file
            .read_exact_at(&mut bytes, Field::Loaded as u64 * 8)?;
        anyhow::ensure!(
            i64::from_ne_bytes(bytes) > 0,
            "{} was not loaded into the node: the folder may be mounted without the right to execute (set TMPDIR), or the node is linked statically",
            self.library.display()
        );
        Ok(())
    }

    /// Room, syncs and clock as they are.
    pub fn heal(&self) -> anyhow::Result<()> {
        self.set_clock_ms(0)?;
        self.set_space(None)?;
        self.set_syncs(None)
    }

    fn set(&self, field: Field, value: i64) -> anyhow::Result<()> {
        Ok(self
            .file
            .write_all_at(&value.to_ne_bytes(), field as u64 * 8)?)
    }

    /// Where what a power cut would undo is noted.
    pub fn record(&self) -> Option<&Path> {
        self.record.as_deref()
    }

    /// Has a command run under the faults, for the files in `folder`.
    pub(crate) fn apply(&self, command: &mut Command, folder: &Path) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("TORTURE_CONTROL", &self.settings)
            .env("TORTURE_DIR", folder);
        if let Some(record) = &self.record {
            command.env("TORTURE_UNDO", record);
        }
    }
}
