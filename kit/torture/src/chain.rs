use crate::{Ended, Faults, Load, Node, Shared, load::SENDERS, undo};
use anyhow::{Context, bail, ensure};
use rollwright::{
    Project,
    core::{B256, DaHeight, DataAvailability},
    derive::{WireBlob, parse_blob},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What a run is made with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The `rollwright` command.
    pub binary: PathBuf,
    /// Decides instants, places and sizes.
    pub seed: u64,
    /// How often the node is hit.
    pub rounds: u32,
}

/// A development chain in a folder of its own, and what its node acknowledged.
#[derive(Debug)]
pub struct Chain {
    binary: PathBuf,
    folder: PathBuf,
    logs: PathBuf,
    /// What the node acknowledged.
    pub ledger: Shared,
    /// Faults of the node, where it runs under some.
    pub faults: Option<Faults>,
    /// Posts a batch every 300 ms instead of every four seconds, in most of
    /// its lives.
    pub post_often: bool,
    /// The DA layer that another process serves; its own without.
    pub da_url: Option<String>,
    starts: u32,
    chain_id: u64,
    posted: usize,
}

/// How a start went.
#[derive(Debug)]
pub enum Start {
    /// It serves.
    Up(Node),
    /// It ended instead.
    Down(Ended),
}

/// What `rollwright verify` said.
#[derive(Clone, Copy, Debug)]
pub struct Verified {
    /// Blocks that DA gives.
    pub blocks: u64,
    /// Blocks that are not posted.
    pub unposted: u64,
}

impl Chain {
    /// A chain whose data lie in `scratch/chain`; logs and faults beside it.
    pub fn new(setting: &Setting, scratch: &Path) -> anyhow::Result<Self> {
        let folder = scratch.join("chain");
        fs::create_dir_all(&folder)?;
        Ok(Self {
            binary: setting.binary.clone(),
            folder,
            logs: scratch.to_owned(),
            ledger: Shared::default(),
            faults: None,
            post_often: false,
            da_url: None,
            starts: 0,
            chain_id: 42069,
            posted: 0,
        })
    }

    /// The same acknowledgements for a copy of the data.
    #[must_use]
    pub fn copy_to(&self, folder: &Path) -> Self {
        Self {
            binary: self.binary.clone(),
            folder: folder.to_owned(),
            logs: self.logs.clone(),
            ledger: self.ledger.clone(),
            faults: None,
            post_often: false,
            da_url: None,
            starts: self.starts,
            chain_id: self.chain_id,
            posted: self.posted,
        }
    }

    /// The data directory.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a node without waiting for it.
    pub fn spawn(&mut self) -> anyhow::Result<Node> {
        self.starts += 1;
        let mut command = Command::new(&self.binary);
        if let Some(url) = &self.da_url {
            command.args(["run", "--da-url", url]);
        } else if self.post_often && !self.starts.is_multiple_of(4) && self.set_to_post_often()? {
            command.arg("run");
        } else {
            command.args(["dev", "--block-time", "100ms", "--da-block-time", "150ms"]);
        }
        command
            .args(["--json", "--port", "auto", "--datadir"])
            .arg(&self.folder)
            .current_dir(&self.folder);
        if let Some(faults) = self.faults.as_ref().filter(|_| self.da_url.is_none()) {
            faults.apply(&mut command, &self.folder);
        }
        let name = self.folder.file_name().unwrap_or_default();
        let log = format!("{}-{}.log", name.to_string_lossy(), self.starts);
        Node::spawn(command, &self.logs.join(log))
    }

    /// False where the chain has no settings yet: `dev` writes them.
    fn set_to_post_often(&self) -> anyhow::Result<bool> {
        let path = self.folder.join("rollup.toml");
        if !path.exists() || !self.folder.join("genesis.json").exists() {
            return Ok(false);
        }
        let text = fs::read_to_string(&path)?;
        let often = text.replace("batch-interval = \"4s\"", "batch-interval = \"300ms\"");
        if often != text {
            fs::write(&path, often)?;
        }
        Ok(true)
    }

    /// Serves the DA layer's file in a process of its own, under the faults.
    /// Gives the address too.
    pub fn serve(&mut self, listen: &str) -> anyhow::Result<(Node, String)> {
        self.starts += 1;
        let mut command = Command::new(&self.binary);
        command
            .args(["da", "serve", "--json", "--block-time", "150ms"])
            .args(["--listen", listen, "--path"])
            .arg(self.folder.join("da"));
        if let Some(faults) = &self.faults {
            faults.apply(&mut command, &self.folder);
        }
        let mut server = Node::spawn(command, &self.logs.join(format!("da-{}.log", self.starts)))?;
        let started = server.wait_for("started")?;
        let url = started["url"].as_str().context("no address")?.to_owned();
        Ok((server, url))
    }

    /// Another command about the data directory, which must succeed.
    /// Gives its answer for programs, where it was asked for.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .current_dir(&self.folder)
            .env("RUST_BACKTRACE", "0")
            .output()?;
        ensure!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        Ok(answer["data"].clone())
    }

    /// Starts a node.
    pub fn start(&mut self) -> anyhow::Result<Start> {
        let mut node = self.spawn()?;
        let start = if node.wait_started()? {
            Start::Up(node)
        } else {
            Start::Down(node.wait()?)
        };
        if let Some(faults) = self.faults.as_ref().filter(|_| self.da_url.is_none()) {
            faults.loaded()?;
        }
        Ok(start)
    }

    /// Starts a node that has no reason to refuse, and checks the newest of
    /// what was acknowledged.
    pub fn up(&mut self) -> anyhow::Result<Node> {
        let node = match self.start()? {
            Start::Up(node) => node,
            Start::Down(ended) => bail!("it does not start: {}", ended.log),
        };
        self.ledger.lock().check(node.rpc()?, false, 0)?;
        Ok(node)
    }

    /// Begins to send and to watch.
    pub fn load(&self, node: &Node) -> anyhow::Result<Load> {
        Ok(Load::begin(node.rpc()?, self.chain_id, &self.ledger))
    }

    /// Runs the node under load for so long, and kills it there.
    pub fn kill_under_load(&mut self, after: Duration) -> anyhow::Result<()> {
        let mut node = self.up()?;
        let load = self.load(&node)?;
        std::thread::sleep(after);
        node.kill()?;
        load.end()
    }

    /// Takes from the files what a power cut takes; the node must be dead.
    pub fn lose_power(&self) -> anyhow::Result<usize> {
        let record = self.faults.as_ref().and_then(Faults::record);
        undo::lose_power(&self.folder, record.context("no record was asked for")?)
    }

    /// `rollwright verify`, which must succeed.
    pub fn verify(&self) -> anyhow::Result<Verified> {
        let output = Command::new(&self.binary)
            .args(["verify", "--json", "--quiet", "--datadir"])
            .arg(&self.folder)
            .env("RUST_BACKTRACE", "0")
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "verify: {said}");
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().context("verify said nothing")?;
        let answer: Value = serde_json::from_str(last)?;
        Ok(Verified {
            blocks: answer["data"]["blocks"].as_u64().context("no blocks")?,
            unposted: answer["data"]["unposted"].as_u64().context("no tail")?,
        })
    }

    /// Everything that must hold at the end: what was taken is included, each
    /// transfer took effect once, an orderly stop posts everything, DA alone
    /// gives the same chain, and nothing stands twice on DA.
    pub fn settle(&mut self) -> anyhow::Result<String> {
        let node = self.up()?;
        let used = self.ledger.lock().settle(node.rpc()?, SENDERS)?;
        let ended = node.terminate()?;
        ensure!(
            ended.status.success(),
            "an orderly stop failed: {}",
            ended.log
        );
        let verified = self.verify()?;
        ensure!(
            verified.unposted == 0,
            "{} blocks are not posted after an orderly stop",
            verified.unposted
        );
        let batches = self.check_postings()?;
        Ok(format!(
            "{used} transfers, {} blocks verified, {batches} batches, {} starts",
            verified.blocks, self.starts
        ))
    }

    /// Reads all of DA: no part may stand there twice, and no batch number
    /// with two contents. Gives the number of batches. No node may run.
    pub fn check_postings(&mut self) -> anyhow::Result<usize> {
        let project = Project::of_data_dir(&self.folder)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let batches = runtime.block_on(postings(&project))?;
        ensure!(
            batches >= self.posted,
            "{} batches stood on DA, now {batches} do",
            self.posted
        );
        self.posted = batches;
        Ok(batches)
    }
}

async fn postings(project: &Project) -> anyhow::Result<usize> {
    let da = project.read_local_da().await?;
    let head = da.head().await?.observed.height;
    let mut parts = BTreeMap::new();
    let mut batches: BTreeMap<u64, (B256, DaHeight)> = BTreeMap::new();
    for height in 1..=head.0 {
        let block = da.fetch(DaHeight(height), None).await?;
        for blob in &block.blobs {
            let at = block.header.height;
            if let Some(first) = parts.insert(blob.reference.commitment, at) {
                bail!("the same blob stands in DA blocks {first} and {at}");
            }
            let WireBlob::Part(part) = parse_blob(&blob.data, &project.rollup_id())
                .map_err(|error| anyhow::anyhow!("DA block {at}: {error}"))?
            else {
                bail!("DA block {at} holds a forced blob, and nobody posted one");
            };
            let claim = &part.claim;
            let (id, first) = *batches.entry(claim.number).or_insert((claim.batch_id, at));
            ensure!(
                id == claim.batch_id,
                "batch {} stands on DA twice, in blocks {first} and {at}, with two contents",
                claim.number
            );
        }
    }
    da.close().await;
    Ok(batches.len())
}
