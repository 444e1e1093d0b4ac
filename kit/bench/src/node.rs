//! Starts a node of either kind, and stops it by its process id.

use crate::{
    accounts::CHAIN_ID,
    http::{Connection, number},
    usage::Usage,
};
use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    env, fmt,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

/// Gas limit of a block, the same for every node.
pub const GAS_LIMIT: u64 = 1_000_000_000;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Whose node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// This kit's.
    Rollwright,
    /// The peer.
    Anvil,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rollwright => "rollwright",
            Self::Anvil => "anvil",
        })
    }
}

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockTime {
    /// Every so many milliseconds.
    Every(u64),
    /// When there is something to put in.
    OnDemand,
}

/// The commands that are measured.
#[derive(Clone, Debug)]
pub struct Programs {
    rollwright: PathBuf,
    anvil: Option<PathBuf>,
}

impl Programs {
    /// Finds the commands, and makes what is missing: a release build, the npm
    /// package. `alone` does without the peer.
    pub fn find(rollwright: Option<PathBuf>, anvil: Option<PathBuf>, alone: bool) -> Result<Self> {
        let rollwright = match rollwright {
            Some(path) => path,
            None => built()?,
        };
        let anvil = match (alone, anvil) {
            (true, _) => None,
            (false, Some(path)) => Some(path),
            (false, None) => Some(installed()?),
        };
        Ok(Self { rollwright, anvil })
    }

    /// Rollwright's command.
    pub fn rollwright(&self) -> &Path {
        &self.rollwright
    }

    /// The kinds that can be started; the measured one first.
    pub fn kinds(&self) -> Vec<Kind> {
        let peer = self.anvil.is_some().then_some(Kind::Anvil);
        [Some(Kind::Rollwright), peer]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The release build beside this program, made anew where sources changed.
fn built() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let folder = own.parent().context("this program lies in no folder")?;
    let status = std::process::Command::new(env!("CARGO"))
        .args(["build", "--release", "-p", "rollwright-cli"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("running cargo")?;
    ensure!(
        status.success(),
        "rollwright does not build; pass --rollwright FILE"
    );
    // A debug build of this program lies beside the release folder.
    let candidates = [
        folder.join("rollwright"),
        folder.join("../release/rollwright"),
    ];
    let [beside, release] = candidates;
    let path = if folder.ends_with("release") {
        beside
    } else {
        release
    };
    ensure!(path.exists(), "{} was not built", path.display());
    Ok(path)
}

/// The npm package's own program: its wrapper script would be the process
/// whose CPU time is read.
fn installed() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let architecture = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("no npm package of anvil for {other}; pass --anvil FILE or --alone"),
    };
    let package = format!("node_modules/@foundry-rs/anvil-linux-{architecture}/bin/anvil");
    let path = folder.join(package);
    if !path.exists() {
        let status = std::process::Command::new("npm")
            .args(["install", "--ignore-scripts", "--no-package-lock"])
            .current_dir(folder)
            .status()
            .context("running npm; pass --anvil FILE or --alone to do without")?;
        ensure!(
            status.success(),
            "anvil could not be installed; pass --anvil FILE or --alone"
        );
    }
    ensure!(
        path.exists(),
        "{} is missing after npm install",
        path.display()
    );
    Ok(path)
}

/// A running node. Dropping it kills it.
#[derive(Debug)]
pub struct Node {
    kind: Kind,
    child: Child,
    pid: u32,
    address: SocketAddr,
    first_answer: Duration,
    started: Instant,
}

impl Node {
    /// Starts a development chain with so many funded accounts in `folder`,
    /// which keeps Rollwright's data, and waits for the first answer.
    pub async fn start(
        programs: &Programs,
        kind: Kind,
        block_time: BlockTime,
        accounts: u32,
        folder: &Path,
    ) -> Result<Self> {
        let address = free_address()?;
        let mut command = match kind {
            Kind::Rollwright => rollwright(programs, block_time, address, folder),
            Kind::Anvil => anvil(programs, block_time, address)?,
        };
        command
            .args(["--chain-id", &CHAIN_ID.to_string()])
            .args(["--accounts", &accounts.to_string()]);
        Self::run(kind, command, address).await
    }

    /// Starts a command that listens on `address`.
    pub async fn run(kind: Kind, mut command: Command, address: SocketAddr) -> Result<Self> {
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {kind}"))?;
        let pid = child.id().context("the node ended at once")?;
        let mut node = Self {
            kind,
            child,
            pid,
            address,
            first_answer: Duration::ZERO,
            started,
        };
        node.answers().await?;
        node.first_answer = started.elapsed();
        Ok(node)
    }

    async fn answers(&mut self) -> Result<()> {
        while self.started.elapsed() < START_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at its start: {status}", self.kind);
            }
            if let Ok(mut connection) = self.connect().await
                && connection.call("eth_chainId", json!([])).await.is_ok()
            {
                return Ok(());
            }
            sleep(Duration::from_millis(2)).await;
        }
        bail!("{} does not answer within {START_LIMIT:?}", self.kind)
    }

    /// Whose node it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Where JSON-RPC listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// From the start of the process to its first answer.
    pub const fn first_answer(&self) -> Duration {
        self.first_answer
    }

    /// From the start of the process until now.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// CPU and memory so far.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.pid)
    }

    /// A new connection to it.
    pub async fn connect(&self) -> Result<Connection> {
        Connection::open(self.address).await
    }

    /// Waits until the DA layer holds the chain up to block `to`, and the node
    /// has derived it from there. The peer has nothing to post.
    pub async fn posted(&self, to: u64, limit: Duration) -> Result<()> {
        if self.kind == Kind::Anvil {
            return Ok(());
        }
        let mut connection = self.connect().await?;
        let wait = async {
            loop {
                let heads = connection.call("rollwright_heads", json!([])).await?;
                if block_number(&heads["safe"]) >= Some(to) {
                    return Ok(());
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(limit, wait)
            .await
            .unwrap_or_else(|_| bail!("block {to} is not posted after {limit:?}"))
    }

    /// Asks it to stop, as Ctrl-C does; kills it if it does not.
    pub async fn stop(mut self) -> Result<()> {
        Command::new("kill")
            .args(["-INT", &self.pid.to_string()])
            .status()
            .await?;
        if timeout(STOP_LIMIT, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

fn block_number(block: &Value) -> Option<u64> {
    let found = &block["number"];
    found.as_u64().or_else(|| number(found))
}

fn rollwright(
    programs: &Programs,
    block_time: BlockTime,
    address: SocketAddr,
    folder: &Path,
) -> Command {
    let mut command = Command::new(&programs.rollwright);
    let block_time = match block_time {
        BlockTime::Every(ms) => format!("{ms}ms"),
        BlockTime::OnDemand => "auto".to_owned(),
    };
    command
        .arg("dev")
        .arg("--datadir")
        .arg(folder)
        .args(["--port", &address.port().to_string()])
        .args(["--block-time", &block_time, "--quiet"]);
    command
}

fn anvil(programs: &Programs, block_time: BlockTime, address: SocketAddr) -> Result<Command> {
    let program = programs.anvil.as_ref().context("there is no anvil")?;
    let mut command = Command::new(program);
    command
        .args(["--port", &address.port().to_string(), "--quiet"])
        .args(["--gas-limit", &GAS_LIMIT.to_string()]);
    if let BlockTime::Every(ms) = block_time {
        let seconds = Duration::from_millis(ms).as_secs_f64();
        command.args(["--block-time", &seconds.to_string()]);
    }
    Ok(command)
}

/// An address that nobody listens on at the moment.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
