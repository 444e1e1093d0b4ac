//! `rollwright dev` in a project.

use crate::{args::Dev, commands::new, failure::Failure, ui::Console};
use rollwright::{
    Project,
    config::{Layers, Loaded},
};
use std::path::Path;

/// The configuration of this folder with the flags over it.
fn config(args: &Dev) -> Result<Loaded, Failure> {
    let config = Layers {
        flags: settings(args)?
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect(),
        ..Layers::file("rollup.toml")
    };
    Ok(config.load()?)
}

/// Moves a chain that has not started to the layer that file, environment or
/// flag name: its genesis file follows.
pub(super) async fn settle_layer(console: &Console, args: &Dev) -> Result<(), Failure> {
    if args.datadir.is_some() {
        return Ok(());
    }
    let config = config(args)?;
    if Project::begin_on_used_layer(&config).await? {
        let layer = config.values.da.r#use.layer();
        console.note(&format!(
            "the chain had not started: genesis.json now begins on {layer}, as `da.use` says"
        ));
    }
    Ok(())
}

/// The project of this folder with the flags over it.
pub(super) fn load(args: &Dev) -> Result<Project, Failure> {
    let config = config(args)?;
    let mut project = Project::from_config(config)?.with_dev_methods();
    if let Some(datadir) = &args.datadir {
        project = project.with_data_dir(datadir);
    }
    if let Some(chain_id) = args.chain_id
        && chain_id != project.chain_id()
    {
        return Err(not_here("--chain-id"));
    }
    let mut listen = project.listen();
    super::set_listen(&mut listen, args);
    Ok(project.with_listen(listen))
}

/// Configuration keys that were given as flags.
pub(super) fn settings(args: &Dev) -> Result<Vec<(&'static str, String)>, Failure> {
    if args.accounts.is_some() {
        return Err(not_here("--accounts"));
    }
    let mut settings = Vec::new();
    if let Some(name) = args.da {
        settings.push(("da.use", name.choice().layer().to_owned()));
    }
    if let Some(block_time) = args.block_time {
        settings.push(("chain.block-time", block_time.to_string()));
    }
    if let Some(block_time) = args.da_block_time {
        settings.push(("da.local.block-time", block_time.to_string()));
        settings.push(("da.celestia.block-time", block_time.to_string()));
    }
    if let Some(faults) = &args.da_faults {
        settings.push(("da.local.faults", faults.clone()));
    }
    Ok(settings)
}

fn not_here(flag: &str) -> Failure {
    Failure::usage(format!(
        "{flag} is for new chains, and this project's genesis.json decides"
    ))
    .at(flag)
    .help("leave the flag out, or run `rollwright dev` outside of the project")
}

/// Whether the project's own code must be built: where it differs from what
/// this binary would generate, unless flags decide.
pub(super) fn needs_build(console: &Console, args: &Dev) -> Result<bool, Failure> {
    if args.build {
        return Ok(true);
    }
    let answers = Path::new(".rollwright/answers.toml");
    if args.stock || !answers.exists() {
        return Ok(false);
    }
    let Some(file) = new::changed_source(Path::new("."), answers)? else {
        return Ok(false);
    };
    console.note(&format!(
        "{file} is not as generated: building the project first (--stock runs the chain without it)"
    ));
    Ok(true)
}
