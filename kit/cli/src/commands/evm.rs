//! `rollwright evm`

use crate::{
    args::{Evm, Tests},
    failure::{Failure, file},
    ui::Console,
};
use rollwright::evm::fixtures::{Kind, Summary, Verdict, run as run_tests};
use serde_json::{Value, json};
use std::path::Path;

/// Runs published tests. The last line on stdout is
/// `N passed, M failed, K skipped`.
pub(crate) fn run(console: &Console, args: &Evm) -> Result<(), Failure> {
    match args {
        Evm::Statetest(args) => tests(console, Kind::State, args),
        Evm::Blocktest(args) => tests(console, Kind::Blocks, args),
    }
}

fn tests(console: &Console, kind: Kind, args: &Tests) -> Result<(), Failure> {
    let summary = run_tests(kind, &args.paths)
        .map_err(|(path, error)| file("reading the tests", &path, &error))?;
    let otherwise = summary.otherwise();
    let failed = summary.failed() + if args.strict { otherwise } else { 0 };
    let passed = summary.passed + if args.strict { 0 } else { otherwise };
    let skipped = summary.skipped();
    let mut lines: Vec<String> = summary
        .others
        .iter()
        .map(|(path, case)| line(path, &case.name, &case.verdict, args.strict))
        .collect();
    lines.push(format!(
        "{passed} passed, {failed} failed, {skipped} skipped"
    ));
    let data = json!({
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "otherReason": otherwise,
        "tests": cases(&summary, args.strict),
    });
    console.result(&lines.join("\n"), &data);
    if failed > 0 {
        let all = passed + failed;
        return Err(Failure::new(
            "RW-CLI-010",
            format!("{failed} of {all} tests failed"),
        ));
    }
    Ok(())
}

/// `FAILED file: test: reason`.
fn line(path: &Path, name: &str, verdict: &Verdict, strict: bool) -> String {
    let (word, reason) = parts(verdict, strict);
    format!(
        "{} {}: {name}: {reason}",
        word.to_uppercase(),
        path.display()
    )
}

fn cases(summary: &Summary, strict: bool) -> Vec<Value> {
    let others = summary.others.iter();
    others
        .map(|(path, case)| {
            let (verdict, reason) = parts(&case.verdict, strict);
            json!({ "file": path, "name": case.name, "verdict": verdict, "reason": reason })
        })
        .collect()
}

fn parts(verdict: &Verdict, strict: bool) -> (&'static str, &str) {
    match verdict {
        Verdict::Passed => ("passed", ""),
        Verdict::PassedOtherwise(reason) if strict => ("failed", reason),
        Verdict::PassedOtherwise(reason) => ("other reason", reason),
        Verdict::Failed(reason) => ("failed", reason),
        Verdict::Skipped(reason) => ("skipped", reason),
    }
}
