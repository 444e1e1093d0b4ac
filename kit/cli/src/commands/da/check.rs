//! `rollwright da check`

use super::epochs::aligned;
use crate::{
    args::DaCheck,
    failure::Failure,
    ui::{Console, Prompt},
};
use rollwright::{
    Project,
    config::DaChoice,
    switch::{Candidate, Outcome, Step, Wanted},
};
use serde_json::json;

/// Checks a layer by what `[da]` says of it, and posts a probe: at once where
/// that is free, else once a person or `--yes` agrees to the price.
pub(super) async fn run(
    console: &Console,
    prompt: &mut dyn Prompt,
    args: &DaCheck,
) -> Result<(), Failure> {
    let project = super::project_to_move(&args.target)?;
    let layer = args.layer.choice();
    let wanted = Wanted {
        layer,
        address: args.address.clone(),
        block_time: None,
    };
    let candidate = project.candidate(&wanted, args.address.is_none()).await?;
    let steps = steps(console, prompt, &project, &candidate, args.yes).await;
    candidate.close(&project).await;
    let steps = steps?;
    report(console, layer, &steps);
    match failed(layer, &steps) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// All steps; those after a failure are left out.
pub(super) async fn steps(
    console: &Console,
    prompt: &mut dyn Prompt,
    project: &Project,
    candidate: &Candidate,
    yes: bool,
) -> Result<Vec<Step>, Failure> {
    let (mut steps, probe) = project.check_layer(candidate).await;
    if steps.iter().any(|step| step.outcome == Outcome::Fail) {
        return Ok(steps);
    }
    let price = match &probe.fee {
        Some(fee) if !candidate.own => format!("{} {}", fee.amount, fee.unit),
        _ => String::new(),
    };
    let agreed = if price.is_empty() || yes {
        true
    } else if console.interactive() {
        let question = format!("Post a probe of 65 bytes for about {price}?");
        let options = [
            ("no", "leave out the round trip"),
            ("yes", "spend it, and check writing too"),
        ];
        prompt.choice(&question, &options)? == 1
    } else {
        false
    };
    if agreed {
        steps.extend(project.round_trip(candidate, &probe).await);
    } else {
        steps.push(Step {
            name: "post",
            outcome: Outcome::Skipped,
            text: format!("it would cost about {price}; --yes spends it"),
            code: None,
        });
    }
    Ok(steps)
}

/// Prints what was found.
pub(super) fn report(console: &Console, layer: DaChoice, steps: &[Step]) {
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|step| {
            let outcome = match step.outcome {
                Outcome::Ok => "ok",
                Outcome::Warn => "warn",
                Outcome::Fail => "fail",
                Outcome::Skipped => "skipped",
            };
            vec![outcome.to_owned(), step.name.to_owned(), step.text.clone()]
        })
        .collect();
    let ok = steps.iter().all(|step| step.outcome != Outcome::Fail);
    if ok {
        let data = json!({ "layer": layer.layer(), "steps": steps });
        console.result(&aligned(&rows), &data);
    } else {
        console.note(&aligned(&rows));
    }
}

/// The failure that the steps amount to; `None` where all is well.
pub(super) fn failed(layer: DaChoice, steps: &[Step]) -> Option<Failure> {
    let step = steps.iter().find(|step| step.outcome == Outcome::Fail)?;
    let error = rollwright::switch::SwitchError::CheckFailed {
        layer: layer.layer().to_owned(),
        step: step.name.to_owned(),
        reason: step.text.clone(),
    };
    let failure = Failure::layer(&error);
    Some(match step.code {
        Some(code) => failure.help(format!("rollwright explain {code}")),
        None => failure,
    })
}
