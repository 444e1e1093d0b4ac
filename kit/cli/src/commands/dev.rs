//! `rollwright dev`

mod banner;
mod build;
mod project;

use crate::{
    args::{DaLayer, Dev, Global},
    commands::interrupts,
    failure::Failure,
    ui::Console,
};
use rollwright::{
    config::{LogFormat, TelemetrySection},
    core::{
        BlockId, BlockRecord, DataAvailability, NodeApi, NodeEvent,
        memory::{NoMessaging, Sovereign},
    },
    dev::DevOptions,
    stock::Stock,
};
use serde_json::json;
use std::{net::SocketAddr, path::Path, sync::Arc};

/// Starts a development chain and runs it until Ctrl-C.
///
/// In a project (a folder with `rollup.toml`) that project is run, built first
/// where its code is its own; elsewhere a stock chain, in `--datadir` or in a
/// temporary folder that is removed.
pub(crate) async fn run(console: &Console, global: &Global, args: &Dev) -> Result<(), Failure> {
    let here = Path::new("rollup.toml").exists();
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
    let scratch;
    let project = if here {
        project::load(args)?
    } else {
        let data_dir = match &args.datadir {
            Some(datadir) => datadir.clone(),
            None => {
                scratch = tempfile::Builder::new().prefix("rollwright-dev-").tempdir();
                let folder = scratch.as_ref().map_err(|error| {
                    crate::failure::file("making a temporary folder", &std::env::temp_dir(), error)
                        .help("pass --datadir DIR")
                })?;
                folder.path().to_owned()
            }
        };
        stock(args, data_dir).prepare().await?
    };
    let node = Stock::builder(&project)
        .await?
        .settlement(Sovereign::new())
        .messaging(NoMessaging)
        .start()
        .await?;

    // The layer was opened for the start; where it fails now, the node says so.
    let head = node.layers().da.head().await.ok();
    let facts = banner::Facts::new(&project, node.rpc_address(), head);
    facts.write(project.data_dir())?;
    console.note(&facts.to_string());
    console.event("started", &facts);
    interrupts::exit_at_the_second();
    let events = tokio::spawn(report(*console, node.api()));
    let result = node.until_stopped().await;
    events.abort();
    result?;
    console.event("stopped", json!({}));
    Ok(())
}

/// A chain outside of a project, with its defaults.
fn stock(args: &Dev, data_dir: std::path::PathBuf) -> DevOptions {
    let DaLayer::Local = args.da;
    let mut options = DevOptions::new(data_dir);
    options.chain_id = args.chain_id;
    set_listen(&mut options.listen, args);
    if let Some(accounts) = args.accounts {
        options.accounts = accounts;
    }
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
    const OWN: [&str; 12] = [
        "block",
        "da",
        "feed",
        "node",
        "pool",
        "rpc",
        "rollwright",
        "rollwright_core",
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
