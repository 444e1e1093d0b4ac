//! A second node of a chain: from the DA layer alone, or with the feed.

use crate::{
    accounts::CHAIN_ID,
    node::{Kind, Node, Programs, free_address},
    usage::Usage,
};
use anyhow::{Result, bail};
use serde_json::json;
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};
use tokio::{process::Command, time::sleep};

/// What a joining node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Derives everything from the DA layer.
    Follower,
    /// Takes blocks from the sequencer's feed and checks them.
    Replica,
}

impl Role {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Follower => "follower",
            Self::Replica => "replica",
        }
    }
}

/// How long catching up took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caught {
    /// From the start of the process.
    pub(super) took: Duration,
    /// CPU of the joining node.
    pub(super) usage: Usage,
}

/// Starts a node of the chain in `chain`, whose sequencer runs, in the empty
/// folder `own`, and waits until it has block `to`.
pub(super) async fn join(
    programs: &Programs,
    role: Role,
    sequencer: &Node,
    chain: &Path,
    own: &Path,
    to: u64,
) -> Result<Caught> {
    let rpc = sequencer.address();
    fs::copy(chain.join("genesis.json"), own.join("genesis.json"))?;
    let settings = format!(
        "schema = 1\n[chain]\nid = {CHAIN_ID}\ndata-dir = \"data\"\n\
         [da.local]\nurl = \"http://{rpc}/da\"\n\
         [follower]\nsequencer = \"http://{rpc}\"\nfeed = \"ws://{rpc}/feed\"\n"
    );
    fs::write(own.join("rollup.toml"), settings)?;
    let address = free_address()?;
    let mut command = Command::new(programs.rollwright());
    command
        .args(["run", "--quiet", "--role", role.name()])
        .args(["--port", &address.port().to_string()])
        .current_dir(own);
    let node = Node::run(Kind::Rollwright, command, address).await?;
    let caught = reach(&node, role, to).await;
    node.stop().await?;
    caught
}

async fn reach(node: &Node, role: Role, to: u64) -> Result<Caught> {
    const LIMIT: Duration = Duration::from_secs(600);
    let begin = Instant::now();
    let mut connection = node.connect().await?;
    while begin.elapsed() < LIMIT {
        let heads = connection.call("rollwright_heads", json!([])).await?;
        let head = match role {
            Role::Follower => &heads["safe"],
            Role::Replica => &heads["latest"],
        };
        if head["number"].as_u64() >= Some(to) {
            return Ok(Caught {
                took: node.age(),
                usage: node.usage()?,
            });
        }
        sleep(Duration::from_millis(10)).await;
    }
    bail!(
        "a {} does not reach block {to} within {LIMIT:?}",
        role.name()
    )
}
