//! Compares the two derivers over many seeds.

#![expect(clippy::print_stdout, reason = "it reports on the terminal")]

use rollwright_reference::{Checked, Engine, EthereumEngine, MemoryEngine, Script, check, shrink};
use std::{fmt::Debug, ops::Range, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let evm = arguments.iter().position(|argument| argument == "--evm");
    if let Some(at) = evm {
        arguments.remove(at);
    }
    let seeds = match arguments.as_slice() {
        [flag, range] if flag == "--seeds" => parse(range),
        [] => Some(0..1_000),
        _ => None,
    };
    let Some(seeds) = seeds else {
        println!("usage: rollwright-reference [--evm] [--seeds A..B]");
        return ExitCode::from(2);
    };
    match evm {
        Some(_) => run::<EthereumEngine>(seeds, " --evm"),
        None => run::<MemoryEngine>(seeds, ""),
    }
}

fn run<E: Engine<Error: Debug>>(seeds: Range<u64>, engine: &str) -> ExitCode {
    let started = Instant::now();
    let mut total = Checked::default();
    let count = seeds.end.saturating_sub(seeds.start);
    for seed in seeds {
        let script = Script::from_seed(seed);
        match check::<E>(&script) {
            Ok(checked) => total.add(&checked),
            Err(failure) => {
                let least = shrink(&script, |script| check::<E>(script).is_err());
                println!("seed {seed} fails: {failure}\n");
                if let Err(failure) = check::<E>(&least) {
                    println!("shrunk to {} actions: {failure}", least.actions.len());
                }
                println!("{least:?}");
                let next = seed + 1;
                println!(
                    "replay: cargo run -p rollwright-reference --{engine} --seeds {seed}..{next}"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    println!(
        "{count} scenes agree: {} DA blocks, {} blocks, {} reorganisations, in {:.1} s",
        total.da_blocks,
        total.blocks,
        total.reorganisations,
        started.elapsed().as_secs_f64()
    );
    for (reason, hits) in &total.rules {
        println!(
            "{hits:>9}  {}  {reason}",
            reason.code().unwrap_or("         ")
        );
    }
    for (refusal, hits) in &total.refusals {
        println!("{hits:>9}  refused for  {refusal}");
    }
    for reason in total.missed() {
        println!(
            "        0  {}  {reason}",
            reason.code().unwrap_or("         ")
        );
    }
    ExitCode::SUCCESS
}

fn parse(range: &str) -> Option<Range<u64>> {
    let (start, end) = range.split_once("..")?;
    Some(start.parse().ok()?..end.parse().ok()?)
}
