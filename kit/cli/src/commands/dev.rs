//! `rollwright dev`

mod banner;

use crate::{
    args::{DaLayer, Dev, Global},
    failure::Failure,
    ui::Console,
};
use rollwright::{
    Project,
    config::{LogFormat, TelemetrySection},
    core::{
        NodeApi, NodeEvent,
        memory::{NoMessaging, Sovereign},
    },
    dev::DevOptions,
    stock::Stock,
};
use serde_json::json;
use std::{net::SocketAddr, path::Path, sync::Arc};

/// Starts a development chain and runs it until Ctrl-C.
///
/// In a project (a folder with `rollup.toml`) that project is run; elsewhere a
/// stock chain, in `--datadir` or in a temporary folder that is removed.
pub(crate) async fn run(console: &Console, global: &Global, args: &Dev) -> Result<(), Failure> {
    start_logging(global)?;
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8545));
    let scratch;
    let project = match (&args.datadir, Path::new("rollup.toml").exists()) {
        (None, true) => {
            let project = Project::load("rollup.toml")?.with_dev_methods();
            listen = project.listen();
            set_listen(&mut listen, args);
            project.with_listen(listen)
        }
        (datadir, _) => {
            let data_dir = match datadir {
                Some(datadir) => datadir.clone(),
                None => {
                    scratch = tempfile::Builder::new().prefix("rollwright-dev-").tempdir();
                    let folder = scratch.as_ref().map_err(|error| {
                        crate::failure::file(
                            "making a temporary folder",
                            &std::env::temp_dir(),
                            error,
                        )
                        .help("pass --datadir DIR")
                    })?;
                    folder.path().to_owned()
                }
            };
            let DaLayer::Local = args.da;
            set_listen(&mut listen, args);
            let options = DevOptions {
                chain_id: args.chain_id,
                accounts: args.accounts,
                block_time: args.block_time,
                listen,
                da_block_time: args.da_block_time,
                da_faults: args.da_faults.clone(),
                ..DevOptions::new(data_dir)
            };
            options.prepare().await?
        }
    };
    let node = Stock::builder(&project)
        .await?
        .settlement(Sovereign::new())
        .messaging(NoMessaging)
        .start()
        .await?;

    let facts = banner::Facts::new(&project, node.rpc_address(), args.accounts);
    facts.write(project.data_dir())?;
    console.note(&facts.to_string());
    console.event("started", &facts);
    let events = tokio::spawn(report(*console, node.api()));
    let result = node.until_stopped().await;
    events.abort();
    result?;
    console.event("stopped", json!({}));
    Ok(())
}

fn set_listen(listen: &mut SocketAddr, args: &Dev) {
    if let Some(host) = args.host {
        listen.set_ip(host);
    }
    if let Some(port) = args.port {
        listen.set_port(port.number());
    }
}

/// Log lines by the global flags.
pub(crate) fn start_logging(global: &Global) -> Result<(), Failure> {
    let log = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) => "info",
        (_, 1) => "debug",
        _ => "trace",
    };
    let format = if global.json {
        LogFormat::Json
    } else {
        LogFormat::Pretty
    };
    let settings = TelemetrySection {
        log: log.to_owned(),
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
    while let Some(event) = events.next().await {
        match event {
            NodeEvent::Block(block) => console.event(
                "block",
                json!({
                    "number": block.block.number, "hash": block.block.hash, "timestamp": block.timestamp,
                    "transactions": block.transactions.len() + block.forced_included.len(),
                    "gasUsed": block.gas_used, "stateRoot": block.state_root,
                }),
            ),
            NodeEvent::Heads(heads) => console.event("heads", heads),
            NodeEvent::Removed(blocks) => console.event("removed", json!({ "blocks": blocks.len() })),
            _ => {}
        }
    }
}
