//! `rollwright dev`

mod banner;
mod build;
mod project;
mod sandbox;

use crate::{
    args::{Dev, DevDa, Global, Port},
    commands::interrupts::{self, Interrupts},
    failure::Failure,
    ui::Console,
};
use rollwright::{
    Running,
    config::{LogFormat, TelemetrySection},
    core::{
        BlockId, BlockRecord, DataAvailability, NodeApi, NodeEvent,
        memory::{NoMessaging, Sovereign},
    },
    dev::DevOptions,
    stock::Stock,
};
use serde_json::json;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Starts a development chain and runs it until Ctrl-C.
///
/// In a project (a folder with `rollup.toml`) that project is run, built first
/// where its code is its own; elsewhere a stock chain, in `--datadir` or in a
/// temporary folder that is removed.
pub(crate) async fn run(console: &Console, global: &Global, args: &Dev) -> Result<(), Failure> {
    if args.sandbox {
        start_logging(global)?;
        return sandbox::run(console, args).await;
    }
    let here = Path::new("rollup.toml").exists();
    if here {
        project::settle_layer(console, args).await?;
    }
    if here && project::needs_build(console, args)? {
        return build::run(console, args).await;
    }
    if args.build {
        return Err(
            Failure::usage("--build needs a project, and there is no rollup.toml here")
                .at("--build")
                .help("run it in the project's folder, or name that with -C"),
        );
    }
    start_logging(global)?;
    let scratch = if here || args.datadir.is_some() {
        None
    } else {
        let folder = tempfile::Builder::new().prefix("rollwright-dev-").tempdir();
        Some(folder.map_err(|error| {
            crate::failure::file("making a temporary folder", &std::env::temp_dir(), &error)
                .help("pass --datadir DIR")
        })?)
    };
    let mut interrupts = Interrupts::new();
    interrupts::exit_at_the_second();
    let folder = match (&scratch, &args.datadir) {
        (Some(scratch), _) => Some(scratch.path().to_owned()),
        (None, datadir) => datadir.clone(),
    };
    let starting = start(args.clone(), folder.filter(|_| !here));
    let Some(node) = interrupts::unless_interrupted(&mut interrupts, starting).await else {
        console.note("stopped before the chain had started");
        console.event("stopped", json!({}));
        return Ok(());
    };
    let node = node?;

    let project = node.project();
    let status = node.api().status();
    let epoch = status.derived.map_or(0, |derived| derived.epoch);
    let head = match (status.da_head, epoch) {
        // The layer was opened for the start; where it fails now, the node says so.
        (None, 0) => node.layers().da.head().await.ok(),
        (head, _) => head,
    };
    let facts = banner::Facts::new(project, node.rpc_address(), epoch, head);
    facts.write(project.data_dir())?;
    let columns = console.columns();
    let banner = banner::Banner {
        facts: &facts,
        columns,
    };
    console.note(&banner.to_string());
    if args.port == Some(Port::Auto) {
        console.answer_when_quiet(facts.rpc());
    }
    console.event("started", &facts);
    let events = tokio::spawn(report(*console, node.api()));
    let result = node.until(interrupts.next()).await;
    events.abort();
    result?;
    console.event("stopped", json!({}));
    Ok(())
}

/// The project of this folder, or a stock chain in `data_dir`, started.
async fn start(args: Dev, data_dir: Option<PathBuf>) -> Result<Running<Stock>, Failure> {
    let project = match data_dir {
        None => project::load(&args)?,
        Some(data_dir) => stock(&args, data_dir).prepare().await?,
    };
    let node = Stock::builder(&project)
        .await?
        .settlement(Sovereign::new())
        .messaging(NoMessaging)
        .start()
        .await?;
    Ok(node)
}

/// A chain outside of a project, with its defaults.
fn stock(args: &Dev, data_dir: PathBuf) -> DevOptions {
    let mut options = DevOptions::new(data_dir);
    options.da = args.da.map(DevDa::choice);
    options.chain_id = args.chain_id;
    set_listen(&mut options.listen, args);
    options.accounts = args.accounts;
    if let Some(block_time) = args.block_time {
        options.block_time = block_time;
    }
    if let Some(block_time) = args.da_block_time {
        options.da_block_time = block_time;
    }
    if let Some(faults) = &args.da_faults {
        options.da_faults.clone_from(faults);
    }
    options
}

fn set_listen(listen: &mut SocketAddr, args: &Dev) {
    if let Some(host) = args.host {
        listen.set_ip(host);
    }
    if let Some(port) = args.port {
        listen.set_port(port.number());
    }
}

/// A filter that shows the kit's own events down to `level`, and of other
/// crates what is worth a warning.
fn own_targets(level: &str) -> String {
    const OWN: [&str; 16] = [
        "block",
        "celestia",
        "celestia-devnet",
        "da",
        "feed",
        "node",
        "pool",
        "rpc",
        "rollwright",
        "rollwright_core",
        "rollwright_da_celestia",
        "rollwright_da_ethereum",
        "rollwright_da_local",
        "rollwright_evm",
        "rollwright_node",
        "rollwright_rpc",
    ];
    OWN.iter().fold("warn".to_owned(), |filter, target| {
        format!("{filter},{target}={level}")
    })
}

/// Log lines by the global flags.
pub(crate) fn start_logging(global: &Global) -> Result<(), Failure> {
    let log = match (global.quiet, global.verbose) {
        (true, _) => "error".to_owned(),
        (_, 0) => "info".to_owned(),
        (_, 1) => own_targets("debug"),
        _ => own_targets("trace"),
    };
    let format = if global.json {
        LogFormat::Json
    } else {
        LogFormat::Pretty
    };
    let settings = TelemetrySection {
        log,
        format,
        ..TelemetrySection::default()
    };
    rollwright::logging::start_with(&settings, global.color.forced())
        .map_err(|error| Failure::usage(error.to_string()).at("ROLLWRIGHT_LOG"))
}

/// One envelope per block and per move of the heads, for programs.
pub(crate) async fn report(console: Console, node: Arc<dyn NodeApi>) {
    use futures_util::StreamExt;
    let mut events = node.events();
    // The node made its first block before anybody could listen.
    let known = node.heads().latest;
    if known.number > 0
        && let Some(block) = node.block(BlockId::Hash(known.hash))
    {
        block_event(console, &block);
    }
    while let Some(event) = events.next().await {
        match event {
            NodeEvent::Block(block) if block.block == known => {}
            NodeEvent::Block(block) => block_event(console, &block),
            NodeEvent::Heads(heads) => console.event("heads", heads),
            NodeEvent::Removed(blocks) => {
                console.event("removed", json!({ "blocks": blocks.len() }))
            }
            _ => {}
        }
    }
}

fn block_event(console: Console, block: &BlockRecord) {
    console.event(
        "block",
        json!({
            "number": block.block.number, "hash": block.block.hash, "timestamp": block.timestamp,
            "transactions": block.transactions.len() + block.forced_included.len(),
            "gasUsed": block.gas_used, "stateRoot": block.state_root,
        }),
    );
}
