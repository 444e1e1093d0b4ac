//! `rollwright da`

mod blob;
mod change;
mod check;
mod epochs;
mod list;
mod tail;

pub(crate) use epochs::open;

use crate::{
    args::{Da, DaUrl, Global, Target},
    failure::Failure,
    ui::{Console, Terminal},
};
use rollwright::{
    Project,
    core::DataAvailability,
    da_local::{BlockProduction, LocalDa, LocalDaConfig, Namespace, ServeConfig},
};
use serde_json::json;
use std::{path::Path, sync::Arc};

/// `rollwright da`
pub(crate) async fn run(console: &Console, global: &Global, args: &Da) -> Result<(), Failure> {
    match args {
        Da::List { config } => {
            list::run(console, config);
            Ok(())
        }
        Da::Use(args) => change::run(console, &mut Terminal, args).await,
        Da::Check(args) => check::run(console, &mut Terminal, args).await,
        Da::Status { target } => Box::pin(epochs::status(console, target)).await,
        Da::Epochs { target } => epochs::table(console, target).await,
        Da::Tail(args) => tail::run(console, args).await,
        Da::Serve {
            path,
            listen,
            block_time,
            faults,
            seed,
        } => {
            super::dev::start_logging(global)?;
            let faults = faults
                .parse()
                .map_err(|error: rollwright::da_local::Error| {
                    Failure::layer(&error).at("--faults")
                })?;
            let config = LocalDaConfig {
                path: Some(path.clone()),
                blocks: BlockProduction::Every(block_time.0),
                seed: *seed,
                faults,
                // The server serves every namespace; it has none of its own.
                ..LocalDaConfig::new(Namespace::new("server")?)
            };
            serve(console, config, *listen).await
        }
    }
}

/// The project that a command is about. Of a chain that runs, embedded layers
/// are reached at the process that runs it.
pub(crate) fn project_of(target: &Target) -> Result<Project, Failure> {
    let project = match &target.datadir {
        Some(datadir) => Project::of_data_dir(datadir)?,
        None => here(&target.config)?,
    };
    Ok(reached_at(project, &target.da_url))
}

/// [`project_of`] for a command that may move the chain: its configuration may
/// name the layer that it is to move to already.
pub(crate) fn project_to_move(target: &Target) -> Result<Project, Failure> {
    if target.datadir.is_some() || !target.config.exists() {
        return project_of(target);
    }
    let loaded = rollwright::config::Layers::file(&target.config).load()?;
    let project = Project::from_config_to_move(loaded)?;
    Ok(reached_at(project, &target.da_url))
}

/// The project with its layers where flags say; else where a process that runs
/// it serves them.
pub(crate) fn reached_at(mut project: Project, urls: &[DaUrl]) -> Project {
    for (layer, url) in project.running_da_urls() {
        project = project.with_da_url(Some(layer), &url);
    }
    for url in urls {
        project = project.with_da_url(url.layer, &url.url);
    }
    project
}

/// The project of this folder, or of the configuration that was named.
pub(crate) fn here(config: &Path) -> Result<Project, Failure> {
    if config.exists() || config != Path::new("rollup.toml") {
        return Ok(Project::load(config)?);
    }
    Err(
        Failure::new("RW-CFG-001", "there is no rollup.toml in this folder")
            .at(std::env::current_dir().unwrap_or_default().display().to_string())
            .help("pass --datadir DIR, the folder of a chain that was started (the banner of `rollwright dev` names it), or --config FILE")
            .help("--da-url alone does not say which chain is meant: it goes with one of the two"),
    )
}

async fn serve(
    console: &Console,
    config: LocalDaConfig,
    listen: std::net::SocketAddr,
) -> Result<(), Failure> {
    let mut interrupts = super::interrupts::Interrupts::new();
    let da = LocalDa::open(config, Arc::new(rollwright::node::SystemClock))?;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| {
            Failure::new("RW-DA-901", format!("cannot listen on {listen}: {error}"))
                .at("--listen")
                .help("name another port, or stop the process that holds it")
        })?;
    let address = listener.local_addr().unwrap_or(listen);
    let network = da.caps().network;
    console.note(&format!(
        "DA layer {network} on http://{address}; Ctrl-C stops"
    ));
    console.event(
        "started",
        json!({ "url": format!("http://{address}"), "network": network }),
    );
    rollwright::da_local::serve(
        &da,
        listener,
        ServeConfig {
            commands: true,
            ..ServeConfig::default()
        },
        async move { interrupts.next().await },
    )
    .await
    .map_err(|error| {
        Failure::layer(&error).help("clients wait: they go on once the layer is served again")
    })?;
    console.event("stopped", json!({}));
    Ok(())
}
