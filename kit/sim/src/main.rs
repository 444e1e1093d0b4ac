//! Runs seeds: `rollwright-sim --seeds 0..1000`, `--seed 17 --trace`,
//! `--deaths 0..500`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people"
)]

use rollwright_sim::{Death, Plan, Trace, run, run_all, shrink};
use std::process::ExitCode;

const USAGE: &str = "usage: rollwright-sim (--seeds A..B | --deaths A..B | --seed N [--trace] \
                     [--no-shrink]) [--threads N]";
/// Runs that shrinking may take.
const SHRINK_RUNS: u32 = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let range = |name: &str| {
        let range = value(name)?;
        let (from, to) = range.split_once("..")?;
        Some(from.parse::<u64>().ok()?..to.parse().ok()?)
    };
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some(seed) = value("--seed").and_then(|seed| seed.parse().ok()) {
        return one(seed, flag("--trace"), !flag("--no-shrink"));
    }
    let plans: Vec<Plan> = match (range("--seeds"), range("--deaths")) {
        (Some(seeds), _) => seeds.map(Plan::random).collect(),
        (None, Some(places)) => places.flat_map(deaths).collect(),
        (None, None) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let threads = value("--threads").and_then(|threads| threads.parse().ok());
    many(&plans, threads.unwrap_or(2))
}

/// A process of the sequencer, and one of a follower, dies at this place.
fn deaths(place: u64) -> Vec<Plan> {
    let kinds = [
        Death::Step(place + 1),
        Death::BeforeWrite(place / 8 + 1),
        Death::AfterWrite(place / 8 + 1),
    ];
    let wanted = |death: &Death| place.is_multiple_of(8) || matches!(death, Death::Step(_));
    kinds
        .into_iter()
        .filter(wanted)
        .flat_map(|death| [Plan::dying(0, death), Plan::dying(1, death)])
        .collect()
}

fn one(seed: u64, trace: bool, shrinks: bool) -> ExitCode {
    let plan = Plan::random(seed);
    println!("{plan}");
    if trace {
        // As they come, so that a run that never ends tells where it stands.
        Trace::print_lines();
    }
    let outcome = run(&plan);
    println!("{}trace {}", outcome.met, outcome.hash);
    let Some(violation) = outcome.violation else {
        println!("all invariants hold");
        return ExitCode::SUCCESS;
    };
    println!("VIOLATION: {violation}");
    if shrinks {
        let smallest = shrink(&plan, SHRINK_RUNS, |plan| {
            let found = run(plan).violation;
            found.is_some_and(|found| found.invariant == violation.invariant)
        });
        println!("smallest plan that fails so:\n{smallest}");
        if let Some(found) = run(&smallest).violation {
            println!("{found}");
        }
    }
    ExitCode::FAILURE
}

fn many(plans: &[Plan], threads: usize) -> ExitCode {
    let (met, failed) = run_all(plans, threads, |failed| println!("{failed}"));
    println!("{met}{} runs, {} failed", plans.len(), failed.len());
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
