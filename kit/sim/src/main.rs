//! Runs seeds: `rollwright-sim --seeds 0..1000`, `--seed 17 --trace`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people"
)]

use rollwright_sim::{Met, Plan, Trace, run, shrink};
use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

const USAGE: &str =
    "usage: rollwright-sim (--seeds A..B [--threads N] | --seed N [--trace] [--no-shrink])";
/// Runs that shrinking may take.
const SHRINK_RUNS: u32 = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some(seed) = value("--seed").and_then(|seed| seed.parse().ok()) {
        return one(seed, flag("--trace"), !flag("--no-shrink"));
    }
    let range = value("--seeds").and_then(|range| {
        let (from, to) = range.split_once("..")?;
        Some((from.parse().ok()?, to.parse().ok()?))
    });
    let Some((from, to)) = range else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let threads = value("--threads").and_then(|threads| threads.parse().ok());
    many(from, to, threads.unwrap_or(2))
}

fn one(seed: u64, trace: bool, shrinks: bool) -> ExitCode {
    let plan = Plan::random(seed);
    println!("{plan}");
    if trace {
        // As they come, so that a run that never ends tells where it stands.
        Trace::print_lines();
    }
    let outcome = run(&plan);
    println!("{:?}\ntrace {}", outcome.met, outcome.hash);
    let Some(violation) = outcome.violation else {
        println!("all invariants hold");
        return ExitCode::SUCCESS;
    };
    println!("VIOLATION: {violation}");
    if shrinks {
        let fails = |plan: &Plan| {
            let found = run(plan).violation;
            found.is_some_and(|found| found.invariant == violation.invariant)
        };
        let smallest = shrink(&plan, SHRINK_RUNS, fails);
        println!("smallest plan that fails so:\n{smallest}");
        if let Some(found) = run(&smallest).violation {
            println!("{found}");
        }
    }
    ExitCode::FAILURE
}

fn many(from: u64, to: u64, threads: usize) -> ExitCode {
    let next = AtomicU64::new(from);
    let results = Mutex::new((Met::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= to {
                        return;
                    }
                    let outcome = run(&Plan::random(seed));
                    if let Some(violation) = &outcome.violation {
                        println!("seed {seed}: {violation}");
                        println!("  replay: cargo run -p rollwright-sim -- --seed {seed} --trace");
                    }
                    if let Ok(mut results) = results.lock() {
                        results.0 = results.0.and(outcome.met);
                        results.1.extend(outcome.violation.map(|_| seed));
                    }
                }
            });
        }
    });
    let Ok((met, failed)) = results.into_inner() else {
        return ExitCode::FAILURE;
    };
    println!(
        "{} seeds, {} failed: {met:?}",
        to.saturating_sub(from),
        failed.len()
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
