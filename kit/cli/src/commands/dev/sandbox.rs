//! `rollwright dev --sandbox`

use crate::{
    args::{Dev, Port},
    commands::interrupts::Interrupts,
    failure::Failure,
    ui::Console,
};
use rollwright::sandbox::{RunningSandbox, SandboxOptions};
use serde_json::json;
use std::sync::Arc;

/// Runs a chain in memory that posts nothing, until Ctrl-C.
pub(super) async fn run(console: &Console, args: &Dev) -> Result<(), Failure> {
    let mut options = SandboxOptions::default();
    super::set_listen(&mut options.listen, args);
    options.chain_id = args.chain_id.unwrap_or(options.chain_id);
    options.accounts = args.accounts.unwrap_or(options.accounts);
    options.block_time = args.block_time.unwrap_or(options.block_time);
    let chain_id = options.chain_id;
    let mut interrupts = Interrupts::new();
    let node = options.start().await?;
    let rpc = format!("http://{}", node.rpc_address());
    console.note(&banner(&node, chain_id, &rpc));
    if args.port == Some(Port::Auto) {
        console.answer_when_quiet(&rpc);
    }
    let accounts: Vec<_> = node
        .accounts()
        .iter()
        .map(|account| json!({"address": account.address, "key": account.key}))
        .collect();
    let started = json!({
        "name": "sandbox", "version": env!("CARGO_PKG_VERSION"), "chainId": chain_id, "rpc": rpc,
        "webSocket": format!("ws://{}", node.rpc_address()), "accounts": accounts,
    });
    console.event("started", &started);
    let events = tokio::spawn(super::report(*console, Arc::new(node.sandbox().clone())));
    let result = node.until(interrupts.next()).await;
    events.abort();
    result?;
    console.event("stopped", json!({}));
    Ok(())
}

fn banner(node: &RunningSandbox, chain_id: u64, rpc: &str) -> String {
    let mut lines = vec![
        format!(
            "sandbox {} · chain {chain_id} ({chain_id:#x}) · nothing is posted or kept",
            env!("CARGO_PKG_VERSION")
        ),
        format!("RPC       {rpc}"),
    ];
    if let Some(first) = node.accounts().first() {
        lines.push("Accounts  public test keys, never use them on a live chain".to_owned());
        for (index, account) in node.accounts().iter().take(10).enumerate() {
            lines.push(format!("  ({index}) {}", account.address));
        }
        lines.push(format!("Key of (0) {}", first.key));
    }
    lines.push("Ctrl-C stops".to_owned());
    lines.join("\n")
}
