//! Snapshots: a chain's final state in one file, and where derivation stood,
//! so that a follower can go on from there.

use crate::{
    Project, ProjectError, StartError,
    amendments::{AMENDMENTS_FILE, Amendments},
    config::{DaChoice, RollupToml},
    files,
    project::{latest_fork, read_genesis},
};
use rollwright_core::{B256, DaHeight};
use rollwright_evm::{
    engine::EngineError,
    genesis::Genesis,
    store::{
        StoreError,
        snapshot::{self, SnapshotInfo},
    },
};
use rollwright_node::{NodeError, check_snapshot, take_snapshot};
use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

/// A snapshot that was written.
#[derive(Clone, Debug)]
pub struct Exported {
    /// What is in it.
    pub info: SnapshotInfo,
    /// The first DA block that whoever imports it reads.
    pub next: DaHeight,
    /// Blocks of the chain above it: not final, and left out.
    pub above: u64,
    /// Size of the file, in bytes.
    pub bytes: u64,
}

/// Where a snapshot is imported to, and what its node needs beside it.
#[derive(Clone, Debug)]
pub struct Import {
    /// The data directory; made if it does not exist.
    pub data_dir: PathBuf,
    /// Genesis file of the chain, with `amendments.json` beside it where the
    /// chain has any.
    pub genesis: PathBuf,
    /// Where the chain's DA layers are reached: the local layer's server, a
    /// Celestia node, an L1; an embedded one in the data directory needs none.
    /// Without a layer's name the first one is meant.
    pub da_urls: Vec<(Option<DaChoice>, String)>,
    /// Where the node forwards transactions to.
    pub sequencer: Option<String>,
}

impl Project {
    /// Writes the finalized state to a new file: whole, or not at all.
    ///
    /// No node may use the data directory meanwhile. Refuses a file that
    /// exists, and a chain of which nothing is final yet. Blocks the thread
    /// while it reads the state.
    pub async fn export_snapshot(&self, file: &Path) -> Result<Exported, StartError> {
        let engine = self.existing_evm()?;
        let state = take_snapshot(&engine, self.amendments().to_vec()).await?;
        if state.block.number == 0 {
            return Err(NodeError::Snapshot {
                reason:
                    "no block is final yet; wait until the DA layer has finalized the first batch"
                        .into(),
            }
            .into());
        }
        let next = state.da.map_or(self.rollup().da.start_height, |block| {
            DaHeight(block.height.0.saturating_add(1))
        });
        let store = engine.store();
        let heads = store.heads().map_err(failed)?;
        let unwritable = |source| ProjectError::Unwritable {
            path: file.to_owned(),
            source,
        };
        if file.exists() {
            return Err(unwritable(std::io::ErrorKind::AlreadyExists.into()).into());
        }
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
        let mut out = BufWriter::new(draft.as_file_mut());
        let info = store
            .export(&state.block, &state.records, &mut out)
            .map_err(failed)?;
        out.flush().map_err(unwritable)?;
        drop(out);
        draft.as_file().sync_all().map_err(unwritable)?;
        let bytes = draft.as_file().metadata().map_err(unwritable)?.len();
        draft
            .persist_noclobber(file)
            .map_err(|error| unwritable(error.error))?;
        Ok(Exported {
            info,
            next,
            above: heads.latest.number.saturating_sub(state.block.number),
            bytes,
        })
    }
}

impl Import {
    /// Fills the data directory from a snapshot, so that a follower goes on
    /// from there. Checks all hashes and the state root; that the block is the
    /// chain's own is for the caller to know, or for [`Project::verify`].
    ///
    /// Refuses a directory that holds blocks. Leaves a `rollup.toml` that is
    /// there already alone. May be repeated after a failure. Blocks the thread
    /// while it reads the file.
    pub fn run(&self, file: &Path) -> Result<(Project, SnapshotInfo), StartError> {
        let genesis = read_genesis(&self.genesis)?;
        files::make_dir(&self.data_dir)?;
        let settings = self.data_dir.join("rollup.toml");
        if !settings.exists() {
            files::write(&self.data_dir.join("genesis.json"), &genesis.to_json())?;
            let amendments = Amendments::path_beside(&self.genesis);
            if amendments.exists() {
                files::copy(&amendments, &self.data_dir.join(AMENDMENTS_FILE))?;
            }
            files::write(&settings, &self.settings(&genesis))?;
        }
        let project = Project::of_data_dir(&self.data_dir)?;
        // The file of --genesis decides, also where a rollup.toml names another.
        let expected = genesis.block().map_err(ProjectError::from)?.rollup_id();
        let engine = project.evm()?;
        let info = engine
            .store()
            .import(expected, &mut open(file)?)
            .map_err(failed)?;
        if let Err(error) = check_snapshot(info.block, &info.records) {
            drop(engine);
            // It held nothing else: the import would have refused it.
            let state = project.state_dir();
            std::fs::remove_dir_all(&state).map_err(|source| ProjectError::Unwritable {
                path: state,
                source,
            })?;
            return Err(error.into());
        }
        Ok((project, info))
    }

    fn settings(&self, genesis: &Genesis) -> String {
        let mut values = RollupToml::default();
        values.chain.id = genesis.config.chain_id;
        values.execution.hardfork = latest_fork(genesis);
        if let Some(rollup) = &genesis.config.rollwright {
            let most = u64::from(rollup.limits.batch_bytes);
            values.da.max_batch.0 = values.da.max_batch.0.min(most);
            if let Some(layer) = DaChoice::of_layer(&rollup.da.layer) {
                values.da.r#use = layer;
            }
        }
        values.chain.data_dir = ".".into();
        values.execution.genesis = "genesis.json".into();
        values.da.local.path = "da".into();
        for (layer, url) in &self.da_urls {
            let layer = layer.unwrap_or(values.da.r#use);
            values.da.reach(layer, url);
        }
        values.follower.sequencer.clone_from(&self.sequencer);
        let body = toml_edit::ser::to_string_pretty(&values).unwrap_or_default();
        format!("# Written when a snapshot was imported; change it as you like.\n{body}")
    }
}

/// Checks a snapshot with every check of an import, and keeps nothing. Takes
/// as much memory as the state. `genesis`: the genesis file of the chain that
/// is expected; without it any chain's will do.
pub fn check(file: &Path, genesis: Option<&Path>) -> Result<SnapshotInfo, StartError> {
    let expected: Option<B256> = match genesis {
        Some(path) => {
            let genesis = read_genesis(path)?;
            Some(genesis.block().map_err(ProjectError::from)?.rollup_id())
        }
        None => None,
    };
    let info = snapshot::check(expected, &mut open(file)?).map_err(failed)?;
    check_snapshot(info.block, &info.records)?;
    Ok(info)
}

fn open(file: &Path) -> Result<BufReader<File>, ProjectError> {
    let opened = File::open(file).map_err(|source| ProjectError::Unreadable {
        path: file.to_owned(),
        source,
    })?;
    Ok(BufReader::new(opened))
}

fn failed(error: StoreError) -> ProjectError {
    EngineError::from(error).into()
}
