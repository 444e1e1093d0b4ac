//! `rollwright da use`

use super::{
    check,
    epochs::{Layer, Opened},
};
use crate::{
    args::DaUse,
    failure::Failure,
    ui::{Console, Prompt},
};
use rollwright::{
    Project,
    core::{DaHeight, DataAvailability},
    node::find_epochs,
    switch::{Candidate, Plan, Situation, SwitchError, Wanted, transaction_rate},
};
use serde_json::json;

/// Moves a chain to another layer: by its configuration where it has not
/// started, else by an amendment.
pub(super) async fn run(
    console: &Console,
    prompt: &mut dyn Prompt,
    args: &DaUse,
) -> Result<(), Failure> {
    let layer = args.layer.choice();
    let wanted = Wanted {
        layer,
        address: args.address.clone(),
        block_time: args.da_block_time,
    };
    let project = super::project_to_move(&args.target)?;
    if !project.is_started() {
        let candidate = project.candidate(&wanted, false).await?;
        let done = begin(console, prompt, args, &project, &candidate).await;
        candidate.close(&project).await;
        return done;
    }
    // First the guard rails that need the old layer alone: a network of its
    // own is not made for nothing.
    let opened = old(project).await?;
    refuse_open(&opened)?;
    let candidate = opened.project.candidate(&wanted, false).await?;
    let done = amend(console, prompt, args, &opened, &candidate).await;
    candidate.close(&opened.project).await;
    done
}

/// A chain that has not started: genesis file and the one line.
async fn begin(
    console: &Console,
    prompt: &mut dyn Prompt,
    args: &DaUse,
    project: &Project,
    candidate: &Candidate,
) -> Result<(), Failure> {
    let layer = args.layer.choice();
    let steps = check::steps(console, prompt, project, candidate, args.yes).await?;
    if let Some(failure) = check::failed(layer, &steps) {
        return Err(failure);
    }
    let config = &candidate.config;
    if !args.dry_run {
        project.begin_on(config, &candidate.first)?;
        project.name_layer(layer)?;
    }
    let text = format!(
        "the chain will begin on {} {} at {}, height {}\n{} and [da] use were changed; the chain had not started",
        config.layer,
        config.network,
        config.address,
        config.start_height,
        project.genesis_path().display(),
    );
    console.result(
        &text,
        &json!({ "began": true, "epoch": config, "genesis": project.genesis_path(), "dryRun": args.dry_run }),
    );
    Ok(())
}

/// The chain on the layer that it is on; that must be readable.
async fn old(project: Project) -> Result<Opened, Failure> {
    let last = project.epochs().last();
    let layer = last.map_or_else(String::new, |last| last.config.layer.clone());
    match Opened::project(project).await {
        Ok(opened) => Ok(opened),
        Err(failure) if failure.code.starts_with("RW-CFG") => Err(failure),
        Err(failure) => Err(Failure::layer(&SwitchError::OldUnreachable {
            layer,
            reason: failure.message,
        })),
    }
}

fn refuse_open(opened: &Opened) -> Result<(), Failure> {
    let (epoch, span, _) = opened.present()?;
    match opened.project.epochs().get(epoch.index as usize + 1) {
        None => Ok(()),
        Some(next) => Err(Failure::layer(&SwitchError::AnotherOpen {
            layer: next.config.layer.clone(),
            begins: next.begins.0,
            now: span
                .newest()
                .and_then(|height| span.ordinal(height))
                .unwrap_or(span.begins)
                .0,
        })),
    }
}

/// A live chain: an amendment.
async fn amend(
    console: &Console,
    prompt: &mut dyn Prompt,
    args: &DaUse,
    opened: &Opened,
    candidate: &Candidate,
) -> Result<(), Failure> {
    let layer = args.layer.choice();
    let project = &opened.project;
    let (epoch, span, old) = opened.present()?;
    let new: Layer = candidate.layer(project);
    let situation = Situation {
        span: *span,
        old: old.caps(),
        new: new.caps(),
        bytes_per_second: transaction_rate(old, span, project.rollup_id())
            .await
            .map_err(|error| Failure::layer(&error))?,
        soon: candidate.own,
    };
    let last = args.last_height.map(DaHeight);
    let plan = |situation: &Situation| {
        project
            .plan_switch(&candidate.config, situation, last, args.allow_pause)
            .map_err(|error| Failure::layer(&error))
    };
    // What is refused anyway is not checked first.
    plan(&situation)?;
    let steps = check::steps(console, prompt, project, candidate, args.yes).await?;
    if let Some(failure) = check::failed(layer, &steps) {
        return Err(failure);
    }
    // The chain went on while that was asked and checked.
    let spans = find_epochs(project.epochs(), &opened.layers).await?;
    let span = spans.last().copied().unwrap_or(*span);
    let plan = plan(&Situation { span, ..situation })?;
    let amendments = project.amended_by(&plan);
    let digest = digest(project, &plan);
    let path = rollwright::Amendments::path_beside(project.genesis_path());
    if !args.dry_run {
        project.write_amendments(&amendments)?;
        project.name_layer(layer)?;
    }
    let verb = if args.dry_run { "would go" } else { "goes" };
    let text = format!(
        "the chain {verb} over to {new_layer} {network} at {address}\n\
         last height of {old_layer}  {last}, now {now}\n\
         first ordinal          {activation}\n\
         without posting        about {wait} s in between\n\
         configuration digest   {digest}\n\
         file                   {path}\n\
         next: give every node of the chain this file, beside its genesis file, and start it again before that height; the sequencer announces it to those that lack it",
        new_layer = candidate.config.layer,
        network = candidate.config.network,
        address = candidate.config.address,
        old_layer = epoch.config.layer,
        last = plan.last,
        now = span.newest().unwrap_or(span.first),
        activation = plan.activation,
        wait = plan.wait.as_secs(),
        path = path.display(),
    );
    console.result(
        &text,
        &json!({
            "began": false, "dryRun": args.dry_run, "epoch": candidate.config,
            "lastHeight": plan.last, "activation": plan.activation, "added": plan.added,
            "waitSeconds": plan.wait.as_secs(), "configDigest": digest, "file": path,
        }),
    );
    Ok(())
}

fn digest(project: &Project, plan: &Plan) -> String {
    plan.added
        .iter()
        .fold(project.config_digest(), |digest, amendment| {
            amendment.extend_digest(digest)
        })
        .to_string()
}
