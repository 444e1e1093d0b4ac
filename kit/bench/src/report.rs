//! Tables for people, JSON for programs.

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde::Serialize;
use serde_json::Value;
use std::{fmt, fs, path::Path};

/// One table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Heads of the columns.
    pub columns: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            title: title.into(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut grid = Grid::new();
        grid.load_preset(presets::ASCII_MARKDOWN)
            .set_header(&self.columns)
            .add_rows(&self.rows);
        for column in grid.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "### {}\n\n{grid}\n", self.title)
    }
}

/// The machine that was measured on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Model of its processor.
    pub processor: String,
    /// Processors that the benchmark may use.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Load average of the last minute when the run began: others' work.
    pub load: String,
}

impl Machine {
    /// Reads `/proc`; what cannot be read is left empty.
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, key: &str| {
            let line = text.lines().find(|line| line.starts_with(key));
            line.and_then(|line| line.split_once(':'))
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        let memory = after(&text("/proc/meminfo"), "MemTotal");
        let kilobytes = memory.split(' ').next().and_then(|word| word.parse().ok());
        Self {
            processor: after(&text("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kilobytes.unwrap_or(0_u64) / 1024,
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: text("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({} cores), {} MiB, Linux {}, load {} at the start",
            self.processor, self.cores, self.memory_mib, self.kernel, self.load
        )
    }
}

/// All that a run gave.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The command line.
    pub command: String,
    /// Where.
    pub machine: Machine,
    /// For people.
    pub tables: Vec<Table>,
    /// Every round's raw figures.
    pub rounds: Vec<Value>,
}

impl Report {
    /// An empty report of this process's command line.
    pub fn new() -> Self {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        Self {
            command: format!("rollwright-bench {}", arguments.join(" ")),
            machine: Machine::read(),
            tables: Vec::new(),
            rounds: Vec::new(),
        }
    }

    /// Adds a round's figures.
    pub fn record(&mut self, round: &impl Serialize) -> Result<()> {
        self.rounds.push(serde_json::to_value(round)?);
        Ok(())
    }

    /// Writes all as JSON.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n", self.command, self.machine)?;
        for table in &self.tables {
            writeln!(f, "{table}")?;
        }
        Ok(())
    }
}
