//! `cargo run --release -p rollwright-bench -- --help`

use anyhow::Result;
use clap::Parser;
use rollwright_bench::{Flags, scenario};
use std::io::Write;

fn main() -> Result<()> {
    let flags = Flags::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(scenario::run(&flags))?;
    if let Some(path) = &flags.json {
        report.save(path)?;
    }
    write!(std::io::stdout(), "{report}")?;
    Ok(())
}
