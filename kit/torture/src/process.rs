use crate::Rpc;
use anyhow::Context;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

/// Longest wait for a process to start or to end. A node that needs longer
/// hangs, as far as a person is concerned.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A `rollwright … --json` that runs.
#[derive(Debug)]
pub struct Node {
    child: Child,
    events: Receiver<Value>,
    log: PathBuf,
    rpc: Option<Rpc>,
    /// The error that it told, where it was read before the end.
    error: Option<Value>,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// The error that it told programs, if it did.
    pub error: Option<Value>,
    /// What it told people.
    pub log: String,
}

impl Node {
    /// Starts the command; its log goes to a file.
    pub(crate) fn spawn(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(log)?)
            .env("RUST_BACKTRACE", "0")
            .spawn()
            .with_context(|| format!("{command:?} cannot be started"))?;
        let stdout = child.stdout.take().context("no pipe")?;
        let (send, events) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(event) = serde_json::from_str(&line) else {
                    continue;
                };
                if send.send(event).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            events,
            log: log.to_owned(),
            rpc: None,
            error: None,
        })
    }

    /// Waits until it serves; `false` where it ended instead.
    pub fn wait_started(&mut self) -> anyhow::Result<bool> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(envelope) if envelope["data"]["event"] == "started" => {
                    let url = envelope["data"]["rpc"].as_str().context("no address")?;
                    self.rpc = Some(Rpc::new(url)?);
                    return Ok(true);
                }
                Ok(envelope) if envelope["ok"] == false => {
                    self.error = Some(envelope["error"].clone());
                    return Ok(false);
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
                Err(RecvTimeoutError::Timeout) => {
                    self.kill()?;
                    anyhow::bail!("it did not start in {PATIENCE:?}: {}", self.log_text());
                }
            }
        }
    }

    /// Waits for the next event of a name; an error where the node ends first.
    pub fn wait_for(&mut self, name: &str) -> anyhow::Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let envelope = self
                .events
                .recv_timeout(left)
                .with_context(|| format!("no event `{name}`: {}", self.log_text()))?;
            if envelope["data"]["event"] == name {
                return Ok(envelope["data"].clone());
            }
            if envelope["ok"] == false {
                self.error = Some(envelope["error"].clone());
                anyhow::bail!("no event `{name}`: {}", self.log_text());
            }
        }
    }

    /// JSON-RPC of a node that has started.
    pub fn rpc(&self) -> anyhow::Result<&Rpc> {
        self.rpc.as_ref().context("the node has not started")
    }

    /// Ends it at once, as `kill -9` and the kernel's out-of-memory killer do.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        // Gone already where it ended by itself.
        let _ = self.child.kill();
        self.child.wait()?;
        Ok(())
    }

    /// True while it runs.
    pub fn runs(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// True where it has ended, or does so in a while.
    pub fn ends_within(&mut self, patience: Duration) -> anyhow::Result<bool> {
        let until = Instant::now() + patience;
        while self.runs()? {
            if Instant::now() >= until {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(true)
    }

    /// Asks it to end, as service managers do, and waits.
    pub fn terminate(self) -> anyhow::Result<Ended> {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        anyhow::ensure!(told.success(), "kill failed");
        self.wait()
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> anyhow::Result<Ended> {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() >= until {
                self.kill()?;
                anyhow::bail!("it did not end in {PATIENCE:?}: {}", self.log_text());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut error = self.error.take();
        // The reader ends with the pipe, and then the channel does.
        while let Ok(envelope) = self.events.recv_timeout(PATIENCE) {
            if envelope["ok"] == false {
                error = Some(envelope["error"].clone());
            }
        }
        Ok(Ended {
            status,
            error,
            log: self.log_text(),
        })
    }

    fn log_text(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

impl Ended {
    /// The code of a refusal that a person can act on. Everything else is a
    /// violation: an end by a signal, a panic, an error without code or text.
    pub fn refusal(&self) -> anyhow::Result<&str> {
        anyhow::ensure!(
            !self.log.contains("panicked at"),
            "it panicked: {}",
            self.log
        );
        anyhow::ensure!(
            self.status.code() == Some(1),
            "it ended with {} instead of an error: {}",
            self.status,
            self.log
        );
        let error = self
            .error
            .as_ref()
            .with_context(|| format!("it ended without an error for programs: {}", self.log))?;
        anyhow::ensure!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.len() > 10),
            "an error without text: {error}"
        );
        error["code"]
            .as_str()
            .filter(|code| code.starts_with("RW-"))
            .with_context(|| format!("an error without code: {error}"))
    }

    /// The refusal's text.
    pub fn message(&self) -> &str {
        self.error
            .as_ref()
            .and_then(|error| error["message"].as_str())
            .unwrap_or_default()
    }
}
