//! A development L1 in a process of its own: Foundry's anvil.

use crate::Error;
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// How long anvil may take until it answers.
const START: Duration = Duration::from_secs(20);

/// How anvil is started.
#[derive(Clone, Debug, Default)]
pub struct AnvilConfig {
    /// The program; `None` looks for it, see [`Anvil::find`].
    pub program: Option<PathBuf>,
    /// Port on the loopback interface; `None` takes a free one.
    pub port: Option<u16>,
    /// Time between blocks; `None` makes blocks on command alone.
    pub block_time: Option<Duration>,
    /// Where its chain is kept over restarts; it is written on an orderly exit.
    pub state: Option<PathBuf>,
}

/// A running anvil, which ends with this value.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    port: u16,
}

impl Anvil {
    /// The installed program: `ROLLWRIGHT_ANVIL`, then `PATH`, then where
    /// foundryup and npm put it.
    pub fn find() -> Option<PathBuf> {
        if let Some(named) = std::env::var_os("ROLLWRIGHT_ANVIL") {
            return Some(native(Path::new(&named)));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let foundry = home.map(|home| home.join(".foundry/bin"));
        let folder = std::env::current_dir().ok();
        let npm = folder.map(|folder| folder.join("node_modules/.bin"));
        std::env::split_paths(&path)
            .chain(foundry)
            .chain(npm)
            .map(|folder| folder.join("anvil"))
            .find(|program| program.is_file())
            .map(|program| native(&program))
    }

    /// Starts it and waits until it listens: Osaka, epochs of four slots, so
    /// that blocks become final soon, and requests of six blobs.
    pub async fn start(config: &AnvilConfig) -> Result<Self, Error> {
        let failed = |reason: String| Error::Config { key: "rpc", reason };
        let program = config.program.clone().map(|path| native(&path));
        let program = program.or_else(Self::find).ok_or_else(|| {
            failed(
                "no execution node is named and anvil, the development L1, is not installed: \
                 `npm install --global @foundry-rs/anvil` or `curl -L https://foundry.paradigm.xyz | bash`, \
                 or name a node"
                    .into(),
            )
        })?;
        let port = match config.port {
            Some(port) => port,
            None => free_port().await.map_err(|e| failed(e.to_string()))?,
        };
        let mut command = Command::new(&program);
        command
            .args(["--hardfork", "osaka", "--slots-in-an-epoch", "4"])
            .args(["--no-request-size-limit", "--quiet"])
            .args(["--port", &port.to_string()]);
        match config.block_time {
            Some(time) => command.args(["--block-time", &time.as_secs_f64().to_string()]),
            None => command.arg("--no-mining"),
        };
        if let Some(state) = &config.state {
            command.arg("--state").arg(state);
        }
        // A group of its own: Ctrl-C is for the node, which stops it last.
        #[cfg(unix)]
        command.process_group(0);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("{} does not start: {error}", program.display())))?;
        let mut anvil = Self { child, port };
        match tokio::time::timeout(START, anvil.listening()).await {
            Ok(Ok(())) => Ok(anvil),
            Ok(Err(reason)) => Err(failed(reason)),
            Err(_) => Err(failed(format!(
                "{} did not listen on port {port} within {} s",
                program.display(),
                START.as_secs()
            ))),
        }
    }

    async fn listening(&mut self) -> Result<(), String> {
        loop {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
                .await
                .is_ok()
            {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("anvil ended at once ({status})"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its JSON-RPC, and the beacon interface under the same address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it in an orderly way, so that it keeps its state; after `limit`
    /// with force.
    pub async fn stop(mut self, limit: Duration) {
        #[cfg(unix)]
        if let Some(pid) = self.child.id() {
            // The shell's kill: sending signals oneself takes unsafe code.
            let kill = Command::new("kill")
                .args(["-INT", &pid.to_string()])
                .status();
            if kill.await.is_ok_and(|status| status.success()) {
                let _ = tokio::time::timeout(limit, self.child.wait()).await;
            }
        }
        // Nothing is left to do where it has ended already.
        let _ = self.child.kill().await;
    }
}

/// npm's `anvil` is a script that starts the program: the program itself, for
/// a script's end would leave it running.
fn native(program: &Path) -> PathBuf {
    let found = || {
        let script = program.canonicalize().ok()?;
        if script.extension()? != "mjs" {
            return None;
        }
        let packages = script.parent()?.parent()?;
        let entries = std::fs::read_dir(packages).ok()?;
        entries
            .filter_map(|entry| Some(entry.ok()?.path().join("bin/anvil")))
            .find(|candidate| candidate.is_file())
    };
    found().unwrap_or_else(|| program.to_owned())
}

async fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    Ok(listener.local_addr()?.port())
}
