use crate::{args::Config, failure::Failure, ui::Console};
use rollwright::{
    Project,
    config::{Layers, explain},
};
use serde_json::{Map, json};

/// `rollwright config`
pub(crate) fn run(console: &Console, args: &Config) -> Result<(), Failure> {
    match args {
        Config::Show { config, origin } => show(console, config, *origin),
        Config::Explain { key } => tell(console, key),
        Config::Validate { config } => validate(console, config),
    }
}

fn show(console: &Console, path: &std::path::Path, origin: bool) -> Result<(), Failure> {
    let loaded = Layers::file(path).load()?;
    let entries = loaded.entries();
    let width = entries
        .iter()
        .map(|entry| entry.key.len())
        .max()
        .unwrap_or(0);
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            let from = if origin {
                format!("  # {}", entry.origin)
            } else {
                String::new()
            };
            format!("{:width$} = {}{from}", entry.key, entry.value)
        })
        .collect();
    let data: Map<_, _> = entries
        .iter()
        .map(|entry| {
            (
                entry.key.to_owned(),
                json!({ "value": entry.value, "origin": entry.origin }),
            )
        })
        .collect();
    console.result(&lines.join("\n"), &data);
    Ok(())
}

fn tell(console: &Console, key: &str) -> Result<(), Failure> {
    let doc = explain(key).map_err(|nearest| {
        let failure = Failure::new("RW-CFG-003", format!("there is no key `{key}`"));
        match nearest {
            Some(name) => failure.help(format!("did you mean `{name}`?")),
            None => failure.help("rollwright config show lists all keys"),
        }
    })?;
    console.result(&format!("{}  ({})\n{}", doc.key, doc.form, doc.text), doc);
    Ok(())
}

fn validate(console: &Console, path: &std::path::Path) -> Result<(), Failure> {
    let loaded = Layers::file(path).load()?;
    let project = Project::from_config(loaded)?;
    // A follower needs none; one that is named must be usable.
    if project.config().values.sequencer.key.is_some() {
        project.check_sequencer_key()?;
    }
    let (chain_id, rollup_id) = (project.chain_id(), project.rollup_id());
    let (amendments, digest) = (project.amendments().len(), project.config_digest());
    let more = match amendments {
        0 => String::new(),
        n => format!(", {n} amendments, configuration digest {digest}"),
    };
    let text = format!(
        "{} is valid: chain {chain_id}, rollup id {rollup_id}{more}",
        path.display()
    );
    console.result(
        &text,
        &json!({ "chainId": chain_id, "rollupId": rollup_id, "amendments": amendments, "configDigest": digest }),
    );
    Ok(())
}
