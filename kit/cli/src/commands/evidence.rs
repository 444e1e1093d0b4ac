//! `rollwright evidence`

use crate::{
    args::{DaUrl, Evidence},
    failure::{Failure, file as file_failure},
    ui::Console,
};
use rollwright::{Project, evidence::Judgement, node::FeedEvidence};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// `rollwright evidence`
pub(crate) async fn run(console: &Console, args: &Evidence) -> Result<(), Failure> {
    match args {
        Evidence::List { datadir, save } => list(console, datadir, save.as_deref()),
        Evidence::Check {
            file,
            datadir,
            config,
            da_url,
        } => check(console, file, datadir.as_deref(), config, da_url).await,
    }
}

/// Prints what a replica has kept, and writes each into a file of its own.
fn list(console: &Console, datadir: &Path, save: Option<&Path>) -> Result<(), Failure> {
    let project = Project::of_data_dir(datadir)?;
    let kept = project
        .feed_evidence()
        .map_err(|error| stop_first(error.into()))?;
    if kept.is_empty() {
        console.result(
            "no evidence: DA has contradicted nothing that the feed signed",
            &json!({ "evidence": [] }),
        );
        return Ok(());
    }
    let (mut text, mut data) = (Vec::new(), Vec::new());
    for evidence in &kept {
        let mut facts = facts(evidence);
        let mut lines = describe(evidence);
        if let Some(folder) = save {
            let path = write(folder, evidence)?;
            lines.push_str(&format!("\n  file    {}", path.display()));
            facts["file"] = path.display().to_string().into();
        }
        text.push(lines);
        data.push(facts);
    }
    if save.is_none() {
        console.note(
            "--save DIR writes files that others can check with `rollwright evidence check FILE`",
        );
    }
    console.result(&text.join("\n"), &json!({ "evidence": data }));
    Ok(())
}

/// A file that is new: evidence is never written over.
fn write(folder: &Path, evidence: &FeedEvidence) -> Result<PathBuf, Failure> {
    let path = folder.join(format!("feed-evidence-{}", evidence.derived.number));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::File::create_new(&path)?.write_all(&evidence.to_bytes()));
    written.map_err(|error| file_failure("writing evidence", &path, &error))?;
    Ok(path)
}

/// Checks the signature by the chain's rules and, with a data directory, the
/// contradiction by that node's own derivation.
async fn check(
    console: &Console,
    file: &Path,
    datadir: Option<&Path>,
    config: &Path,
    da_url: &[DaUrl],
) -> Result<(), Failure> {
    let bytes = fs::read(file).map_err(|error| file_failure("reading evidence", file, &error))?;
    let project = match datadir {
        Some(datadir) => Project::of_data_dir(datadir)?,
        None => super::da::here(config)?,
    };
    let refuse = |failure: Failure| failure.at(file.display().to_string());
    let evidence =
        FeedEvidence::from_bytes(&bytes).map_err(|error| refuse(Failure::layer(&error)))?;
    let signer = project
        .check_evidence(&evidence)
        .map_err(|error| refuse(error.into()))?;
    let mut data = facts(&evidence);
    data["signer"] = signer.to_string().into();
    let judged = match datadir {
        None => None,
        Some(_) => {
            let project = super::da::reached_at(project, da_url);
            let judged = project.judge_evidence(&evidence).await;
            Some(judged.map_err(|error| stop_first(error.into()))?)
        }
    };
    let (name, verdict) = match judged {
        None => (
            "signed",
            "the signature holds; what DA gives was not checked: pass --datadir DIR of a node that has derived the block".to_owned(),
        ),
        Some(Judgement::Proven { derived }) => (
            "proven",
            format!("proven: DA gives {derived}, and {signer} signed another block"),
        ),
        Some(Judgement::Open { safe }) => (
            "open",
            format!("open: this node has derived blocks up to {safe}; let it follow DA further, or ask a node that keeps block {}", evidence.derived.number),
        ),
        Some(Judgement::Refuted) => {
            return Err(refuse(Failure::new(
                "RW-NODE-010",
                "not evidence: DA gives just the block that was signed",
            )));
        }
        Some(Judgement::Excused) => {
            return Err(refuse(Failure::new(
                "RW-NODE-010",
                "not evidence: the DA block that the signed block names as its origin is not canonical",
            )));
        }
        Some(other) => ("other", format!("{other:?}")),
    };
    data["verdict"] = name.into();
    let text = format!("{}\n  signer  {signer}\n{verdict}", describe(&evidence));
    console.result(&text, &data);
    Ok(())
}

fn stop_first(failure: Failure) -> Failure {
    match failure.code {
        "RW-STORE-114" | "RW-DA-104" => failure.help("stop the node first"),
        _ => failure,
    }
}

fn describe(evidence: &FeedEvidence) -> String {
    format!(
        "block {}\n  signed  {}\n  DA      {}, in DA block {} {}",
        evidence.derived.number,
        evidence.signed.hash,
        evidence.derived.hash,
        evidence.at.height,
        evidence.at.hash
    )
}

fn facts(evidence: &FeedEvidence) -> Value {
    json!({
        "number": evidence.derived.number,
        "signed": evidence.signed.hash,
        "derived": evidence.derived.hash,
        "at": evidence.at,
        "origin": evidence.signed.input.anchor.origin,
    })
}
