//! What a node leaves in its data directory for other commands: how it was
//! started, and where it listens while it runs.

use crate::{
    Project, ProjectError,
    amendments::{AMENDMENTS_FILE, Amendments},
    config::{DaChoice, Endpoint, RollupToml, Secret},
    files,
};
use serde::{Deserialize, Serialize};
use std::{
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a node that should run may take to answer.
const PROBE: Duration = Duration::from_millis(500);

#[derive(Deserialize, Serialize)]
struct Live {
    pid: u32,
    listen: SocketAddr,
    /// Where it serves its embedded DA layers.
    #[serde(default)]
    da: Vec<LiveDa>,
}

#[derive(Deserialize, Serialize)]
struct LiveDa {
    layer: DaChoice,
    url: String,
}

/// Removes `running.json` when the node has stopped.
#[derive(Debug)]
pub(crate) struct LiveFile(PathBuf);

impl Drop for LiveFile {
    fn drop(&mut self) {
        // A file that stays names a port that nobody answers.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes how the node was started, so that `--datadir` is enough to find
/// genesis file and DA layer again.
pub(crate) fn leave_settings(project: &Project) -> Result<(), ProjectError> {
    let target = project.data_dir().join("rollup.toml");
    if project
        .config
        .file()
        .is_some_and(|file| same(file, &target))
    {
        return Ok(());
    }
    files::make_dir(project.data_dir())?;
    let genesis = project.data_dir().join("genesis.json");
    files::copy(&project.genesis_path, &genesis)?;
    leave_amendments(project)?;
    let mut values: RollupToml = project.config.values.clone();
    values.chain.data_dir = ".".into();
    values.execution.genesis = "genesis.json".into();
    values.da.local.path = absolute(&project.config.path(&values.da.local.path));
    let secrets = [
        &mut values.sequencer.key,
        &mut values.da.celestia.token,
        &mut values.da.celestia.signer,
        &mut values.da.ethereum.signer,
    ];
    let endpoints = [
        &mut values.da.celestia.rpc,
        &mut values.da.celestia.archive,
        &mut values.da.celestia.grpc,
        &mut values.da.ethereum.rpc,
        &mut values.da.ethereum.beacon,
    ];
    let sources = endpoints
        .into_iter()
        .flat_map(|list| &mut list.0)
        .filter_map(|endpoint| match endpoint {
            Endpoint::Address(_) => None,
            Endpoint::Source(secret) => Some(secret),
        });
    let further = values.da.celestia.accounts.iter_mut();
    for secret in secrets.into_iter().flatten().chain(further).chain(sources) {
        if let Secret::File(path) = secret {
            *path = absolute(&project.config.path(path));
        }
    }
    let body = toml_edit::ser::to_string_pretty(&values).unwrap_or_default();
    files::write(
        &target,
        &format!("# How this node was started last; written at every start.\n{body}"),
    )
}

/// Amendments are only appended to: fewer or others than the last time are
/// refused, since this is the copy that commands use.
fn leave_amendments(project: &Project) -> Result<(), ProjectError> {
    let source = Amendments::path_beside(&project.genesis_path);
    let target = project.data_dir().join(AMENDMENTS_FILE);
    let before = Amendments::read(&target)?;
    if !before.begin(&project.amendments) {
        return Err(ProjectError::Amendments {
            path: source,
            reason: format!(
                "this data directory was last used with {} amendments, which it does not begin with; amendments are only appended to",
                before.list.len()
            ),
        });
    }
    if source.exists() {
        files::copy(&source, &target)?;
    }
    Ok(())
}

/// Says where the node listens, until the returned value is dropped.
pub(crate) fn leave_address(
    project: &Project,
    listen: SocketAddr,
) -> Result<LiveFile, ProjectError> {
    let path = project.data_dir().join("running.json");
    let live = Live {
        pid: std::process::id(),
        listen,
        da: served(project, listen),
    };
    files::write(&path, &serde_json::to_string(&live).unwrap_or_default())?;
    Ok(LiveFile(path))
}

/// The embedded DA layers of this process, with their addresses.
fn served(project: &Project, listen: SocketAddr) -> Vec<LiveDa> {
    let local = (!project.locals.all().is_empty()).then(|| LiveDa {
        layer: DaChoice::Local,
        url: format!("http://{listen}/da"),
    });
    let celestia = project.celestia_devnet_url().map(|url| LiveDa {
        layer: DaChoice::Celestia,
        url,
    });
    local.into_iter().chain(celestia).collect()
}

/// Where the process that runs the chain of a data directory serves its DA
/// layers; empty where none runs.
pub(crate) fn running_da_urls(data_dir: &Path) -> Vec<(DaChoice, String)> {
    let live = || {
        let text = std::fs::read_to_string(data_dir.join("running.json")).ok()?;
        let live: Live = serde_json::from_str(&text).ok()?;
        // A file that a killed process left behind names a port nobody answers.
        TcpStream::connect_timeout(&live.listen, PROBE).ok()?;
        Some(live.da)
    };
    let served = live().unwrap_or_default();
    served.into_iter().map(|da| (da.layer, da.url)).collect()
}

fn same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
