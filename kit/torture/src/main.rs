//! `torture`: the long runs.

use anyhow::Context;
use clap::Parser;
use rollwright_torture::{Setting, scenario::Scenario};
use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Kill, starve and damage real nodes, and check that nothing acknowledged is lost.
#[derive(Debug, Parser)]
struct Args {
    /// What to do, or all of it
    #[arg(value_parser = names())]
    scenario: String,
    /// First seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Chains to torture, one seed each
    #[arg(long, default_value_t = 1)]
    chains: u64,
    /// How often each is hit
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// The command under test [default: what `cargo build -p rollwright-cli` makes]
    #[arg(long)]
    binary: Option<PathBuf>,
}

fn names() -> Vec<&'static str> {
    let names = Scenario::ALL.iter().map(|scenario| scenario.name());
    names.chain(["all"]).collect()
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]
fn main() -> ExitCode {
    let args = Args::parse();
    let binary = match args.binary.clone().map_or_else(build, Ok) {
        Ok(binary) => binary,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut code = ExitCode::SUCCESS;
    for scenario in Scenario::ALL {
        if args.scenario != "all" && args.scenario != scenario.name() {
            continue;
        }
        for seed in args.seed..args.seed.saturating_add(args.chains) {
            let setting = Setting {
                binary: binary.clone(),
                seed,
                rounds: args.rounds,
            };
            let name = scenario.name();
            match scenario.run(&setting) {
                Ok(report) => println!("{name}, seed {seed}, {} rounds: {report}", args.rounds),
                Err(error) => {
                    println!("VIOLATION: {error:#}");
                    code = ExitCode::FAILURE;
                }
            }
        }
    }
    code
}

/// Builds the command of this workspace.
fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "-p",
            "rollwright-cli",
            "--bin",
            "rollwright",
        ])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stderr(std::process::Stdio::inherit())
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "cargo could not build rollwright-cli"
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .context("cargo named no program")
}
