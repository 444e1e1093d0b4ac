//! `rollwright celestia-devnet`

use crate::{
    args::{CelestiaDevnet, Global},
    failure::Failure,
    ui::Console,
};
use rollwright::{
    da_celestia::devnet::{self, BlockProduction, DevnetConfig},
    node::SystemClock,
};
use serde_json::json;
use std::sync::Arc;

/// Runs a network until Ctrl-C.
pub(crate) async fn run(
    console: &Console,
    global: &Global,
    args: &CelestiaDevnet,
) -> Result<(), Failure> {
    super::dev::start_logging(global)?;
    let mut interrupts = super::interrupts::Interrupts::new();
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .map_err(|error| {
            Failure::new(
                "RW-DA-901",
                format!("cannot listen on {}: {error}", args.listen),
            )
            .at("--listen")
            .help("name another port, or stop the process that holds it")
        })?;
    let config = DevnetConfig {
        seed: args.seed,
        validators: args.validators,
        path: args.path.clone(),
        blocks: BlockProduction::Every(args.block_time.0),
        ..DevnetConfig::new(args.network.clone())
    };
    let devnet = devnet::CelestiaDevnet::start(config, Arc::new(SystemClock), listener)
        .await
        .map_err(|error| Failure::layer(&error))?;
    let first = devnet
        .hash(1)
        .await
        .map_err(|error| Failure::layer(&error))?;
    console.note(&format!(
        "Celestia devnet {} · block {}\nRPC      {}  {}\nAccount  {}  {} utia\nFirst    1:{}\nCtrl-C stops",
        args.network,
        args.block_time,
        devnet.url(),
        devnet.ws_url(),
        devnet.address(),
        devnet.balance(),
        first.map(|hash| hash.to_string()).unwrap_or_default(),
    ));
    console.event(
        "started",
        json!({
            "network": args.network, "url": devnet.url(), "webSocket": devnet.ws_url(),
            "address": devnet.address(), "head": devnet.head(), "firstHash": first,
        }),
    );
    interrupts.next().await;
    devnet.stop().await;
    console.event("stopped", json!({}));
    Ok(())
}
