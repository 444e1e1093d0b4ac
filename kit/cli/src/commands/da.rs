//! `rollwright da`

mod blob;

use crate::{
    args::{Da, Global, Target},
    failure::Failure,
    ui::Console,
};
use rollwright::{
    Project,
    core::{
        DaHeight, DataAvailability, ErrorKind, LayerError, boxed::BoxDa, decorators::TimeLimit,
    },
    da_local::{BlockProduction, LocalDa, LocalDaConfig, Namespace, ServeConfig},
};
use serde_json::json;
use std::{path::Path, sync::Arc, time::Duration};

/// `rollwright da`
pub(crate) async fn run(console: &Console, global: &Global, args: &Da) -> Result<(), Failure> {
    match args {
        Da::Status { target } => status(console, target).await,
        Da::Tail {
            target,
            from,
            no_follow,
        } => tail(console, target, *from, !no_follow).await,
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

/// The project that a command is about, and its DA layer to read: of an
/// embedded layer the process that runs the chain, if one does, otherwise the
/// layer's file. Each call has the node's limit, `da.timeout`.
pub(crate) async fn open(target: &Target) -> Result<(Project, TimeLimit<BoxDa>), Failure> {
    let project = project_of(target)?;
    let da = project.with_time_limit(project.read_da().await?);
    Ok((project, da))
}

fn project_of(target: &Target) -> Result<Project, Failure> {
    let mut project = match &target.datadir {
        Some(datadir) => Project::of_data_dir(datadir)?,
        None => here(&target.config)?,
    };
    if let Some(url) = target.da_url.clone().or_else(|| project.running_da_url()) {
        project = project.with_da_url(url);
    }
    Ok(project)
}

/// The oldest height that the layer serves, as far as it says so: the first
/// one of the chain elsewhere.
async fn oldest(target: &Target) -> Result<DaHeight, Failure> {
    let project = project_of(target)?;
    if project.rollup().da.layer != "local" {
        return Ok(project.rollup().da.start_height);
    }
    let da = project.with_time_limit(project.read_local_da().await?);
    let status = da.within("status", da.layer().status()).await;
    // The file has one user at a time.
    da.layer().close().await;
    Ok(status.map_err(|error| Failure::layer(&error))?.oldest)
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

async fn status(console: &Console, target: &Target) -> Result<(), Failure> {
    let (project, da) = open(target).await?;
    let caps = da.caps();
    let head = da.head().await.map_err(|error| Failure::layer(&error))?;
    let rollup = project.rollup();
    let mut text = format!(
        "layer      {}\nnetwork    {}\nnamespace  {}\nhead       {}  {}\n",
        caps.layer, caps.network, rollup.da.address, head.observed.height, head.observed.hash
    );
    match head.finalized {
        Some(block) => text.push_str(&format!("final      {}  {}\n", block.height, block.hash)),
        None => text.push_str("final      none yet\n"),
    }
    text.push_str(&format!(
        "block time {:?}\nblob       at most {} bytes",
        caps.block_time, caps.max_blob_bytes
    ));
    let data = json!({
        "layer": caps.layer, "network": caps.network, "namespace": rollup.da.address, "head": head.observed,
        "finalized": head.finalized, "maxBlobBytes": caps.max_blob_bytes,
    });
    console.result(&text, &data);
    Ok(())
}

async fn tail(
    console: &Console,
    target: &Target,
    from: Option<u64>,
    follow: bool,
) -> Result<(), Failure> {
    let first = match from {
        Some(height) => Some(DaHeight(height)),
        None if follow => None,
        None => Some(oldest(target).await?),
    };
    let (project, da) = open(target).await?;
    let poll = (da.caps().block_time / 4).clamp(Duration::from_millis(20), Duration::from_secs(5));
    let first = match first {
        Some(height) => height,
        None => {
            let head = da.head().await.map_err(|error| Failure::layer(&error))?;
            head.observed.height
        }
    };
    let (mut next, mut found) = (first, false);
    loop {
        match da.fetch(next, None).await {
            Ok(block) => {
                for line in blob::lines(&block, project.rollup_id()) {
                    found = true;
                    console.result(&line.text, &line.data);
                }
                next = next
                    .next()
                    .ok_or_else(|| Failure::new("RW-DA-900", "the layer has no further heights"))?;
            }
            Err(error) if error.kind() == ErrorKind::NotYet && !follow => {
                if !found {
                    console.note(&nothing(first, next));
                }
                return Ok(());
            }
            Err(error) if error.is_retryable() && follow => {
                tokio::select! {
                    () = tokio::time::sleep(poll) => {}
                    _ = tokio::signal::ctrl_c() => return Ok(()),
                }
            }
            Err(error) => return Err(Failure::layer(&error)),
        }
    }
}

/// Says that blocks from `first` to below `next` hold nothing of this rollup.
fn nothing(first: DaHeight, next: DaHeight) -> String {
    match next.0.checked_sub(1) {
        Some(last) if last > first.0 => {
            format!("DA blocks {first} to {last} hold no blobs of this rollup")
        }
        Some(last) if last == first.0 => format!("DA block {first} holds no blobs of this rollup"),
        _ => format!("DA block {first} does not exist yet"),
    }
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
