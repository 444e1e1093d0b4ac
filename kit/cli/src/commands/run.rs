//! `rollwright run`

use crate::{
    args::{Global, Port, RoleName, Run},
    commands::{
        dev::{report, start_logging},
        interrupts::{self, Interrupts},
    },
    failure::Failure,
    ui::Console,
};
use rollwright::{
    Project, Running,
    core::{
        Role,
        memory::{NoMessaging, Sovereign},
    },
    stock::Stock,
};
use serde_json::json;
use std::path::Path;

/// Runs a node from `rollup.toml` until Ctrl-C: no development accounts, no
/// defaults for keys.
pub(crate) async fn run(console: &Console, global: &Global, args: &Run) -> Result<(), Failure> {
    start_logging(global)?;
    let mut project = load(args)?.with_role(match args.role {
        RoleName::Sequencer => Role::Sequencer,
        RoleName::Follower => Role::Follower,
        RoleName::Replica => Role::Replica,
    });
    if let Some(datadir) = &args.datadir {
        project = project.with_data_dir(datadir);
    }
    for url in &args.da_url {
        project = project.with_da_url(url.layer, &url.url);
    }
    if let Some(url) = &args.feed {
        project = project.with_feed(url.clone());
    }
    if let Some(url) = &args.sequencer {
        project = project.with_sequencer(url.clone());
    }
    if let Some(port) = args.port {
        let mut listen = project.listen();
        listen.set_port(port.number());
        project = project.with_listen(listen);
    }
    project.refuse_public_keys()?;

    let mut interrupts = Interrupts::new();
    interrupts::exit_at_the_second();
    let starting = start(project.clone());
    let Some(node) = interrupts::unless_interrupted(&mut interrupts, starting).await else {
        console.note("stopped before the node had started");
        console.event("stopped", json!({}));
        return Ok(());
    };
    let node = node?;
    let rpc = format!("http://{}", node.rpc_address());
    console.note(&format!(
        "{} {} · chain {} · {} · RPC {rpc} · data {}",
        project.name(),
        env!("CARGO_PKG_VERSION"),
        project.chain_id(),
        role(args.role),
        project.data_dir().display()
    ));
    console.event(
        "started",
        json!({ "chainId": project.chain_id(), "role": role(args.role), "rpc": rpc }),
    );
    if args.port == Some(Port::Auto) {
        console.answer_when_quiet(&rpc);
    }
    let events = tokio::spawn(report(*console, node.api()));
    let result = node.until(interrupts.next()).await;
    events.abort();
    result?;
    console.event("stopped", json!({}));
    Ok(())
}

async fn start(project: Project) -> Result<Running<Stock>, Failure> {
    let node = Stock::builder(&project)
        .await?
        .settlement(Sovereign::new())
        .messaging(NoMessaging)
        .start()
        .await?;
    Ok(node)
}

/// The configuration that is named; else the one of this folder; else the one
/// that a node or an import left in the data directory.
fn load(args: &Run) -> Result<Project, Failure> {
    let here = Path::new("rollup.toml");
    Ok(match (&args.config, &args.datadir) {
        (Some(config), _) => Project::load(config)?,
        (None, Some(datadir)) if !here.exists() => {
            let kept = datadir.join(here);
            if !kept.exists() {
                return Err(no_configuration(datadir.display().to_string()));
            }
            Project::load(kept)?
        }
        (None, None) if !here.exists() => {
            let folder = std::env::current_dir().unwrap_or_default();
            return Err(no_configuration(folder.display().to_string()));
        }
        (None, _) => Project::load(here)?,
    })
}

fn no_configuration(looked_in: String) -> Failure {
    Failure::new("RW-CFG-001", "there is no rollup.toml to run from")
        .at(looked_in)
        .help("name the chain's with --config FILE; of a chain that `rollwright dev --datadir DIR` made it is DIR/rollup.toml")
        .help("the first start copies it with the genesis file into --datadir, and later ones need no --config")
}

const fn role(role: RoleName) -> &'static str {
    match role {
        RoleName::Sequencer => "sequencer",
        RoleName::Follower => "follower",
        RoleName::Replica => "replica",
    }
}
