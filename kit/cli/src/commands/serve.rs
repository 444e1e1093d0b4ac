//! `rollwright serve`

use crate::{
    args::{Global, Port, Serve},
    commands::{
        dev::start_logging,
        interrupts::{self, Interrupts},
    },
    failure::Failure,
    ui::Console,
};
use rollwright::ethereum::EthereumChain;
use serde_json::json;
use std::net::SocketAddr;

/// Answers for an imported chain until Ctrl-C.
pub(crate) async fn run(console: &Console, global: &Global, args: &Serve) -> Result<(), Failure> {
    start_logging(global)?;
    let memory = usize::try_from(args.memory.0).unwrap_or(usize::MAX);
    let chain = EthereumChain::open(&args.datadir, memory)?;
    let mut interrupts = Interrupts::new();
    interrupts::exit_at_the_second();
    let served = chain
        .serve(SocketAddr::new(args.host, args.port.number()))
        .await?;
    let rpc = format!("http://{}", served.address());
    let heads = served.api().heads();
    let chain_id = chain.engine().chain_config().chain_id;
    console.note(&format!(
        "serving chain {chain_id} · block {} {} · RPC {rpc} · data {}",
        heads.latest.number,
        heads.latest.hash,
        args.datadir.display()
    ));
    console.event(
        "started",
        json!({ "chainId": chain_id, "role": "archive", "rpc": rpc, "heads": heads }),
    );
    if args.port == Port::Auto {
        console.answer_when_quiet(&rpc);
    }
    interrupts.next().await;
    served.stop().await?;
    console.event("stopped", json!({}));
    Ok(())
}
