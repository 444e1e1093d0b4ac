//! A node's configuration and genesis file, read and checked together.

use crate::config::{
    ByteSize, ConfigError, DaChoice, FinalityChoice, Layers, Loaded, OnFailure, Period, RollupToml,
};
use crate::{
    amendments::{self, Amendments},
    celestia::LiveCelestia,
    error::ProjectError,
    l1::DevL1,
    layers::OpenLocals,
};
use rollwright_core::{B256, Clock, Role};
use rollwright_derive::{Amendment, DaEpoch, RollupConfig};
use rollwright_evm::genesis::{DevAccount, Genesis, dev_account};
use rollwright_node::{SequencerKey, SystemClock};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// A rollup project: `rollup.toml` and `genesis.json`, checked against each
/// other. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Project {
    pub(crate) config: Arc<Loaded>,
    pub(crate) genesis: Arc<Genesis>,
    /// The file that it was read from.
    pub(crate) genesis_path: PathBuf,
    /// The genesis hash, once somebody wanted it: it takes time in proportion
    /// to the accounts.
    rollup_id: Arc<OnceLock<B256>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) role: Role,
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    pub(crate) dev: bool,
    pub(crate) amendments: Arc<Amendments>,
    epochs: Arc<[DaEpoch]>,
    pub(crate) locals: OpenLocals,
    pub(crate) celestia: LiveCelestia,
    pub(crate) dev_l1: DevL1,
    /// True where the data directory held no state when it was first looked at.
    fresh: Arc<OnceLock<bool>>,
}

impl Project {
    /// Reads a `rollup.toml` with the environment over it, and the genesis
    /// file that it names. Writes nothing.
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, ProjectError> {
        Self::from_config(Layers::file(path).load()?)
    }

    /// Checks a configuration against the genesis file that it names.
    pub fn from_config(config: Loaded) -> Result<Self, ProjectError> {
        Self::assemble(config, None)
    }

    /// As [`from_config`](Self::from_config), for a chain that may change its
    /// layer: `da.use` may name one that the chain is not on.
    pub fn from_config_to_move(config: Loaded) -> Result<Self, ProjectError> {
        Self::assemble_as(config, None, true)
    }

    /// As [`from_config`](Self::from_config), with the genesis file that it
    /// names where that has been read already.
    pub(crate) fn assemble(config: Loaded, genesis: Option<Genesis>) -> Result<Self, ProjectError> {
        Self::assemble_as(config, genesis, false)
    }

    fn assemble_as(
        config: Loaded,
        genesis: Option<Genesis>,
        any_layer: bool,
    ) -> Result<Self, ProjectError> {
        refuse_unbuilt(&config.values)?;
        refuse_small_memory(&config)?;
        let path = config.path(&config.values.execution.genesis);
        let genesis = match genesis {
            Some(genesis) => genesis,
            None => read_genesis(&path)?,
        };
        let settings = &config.values;
        if genesis.config.chain_id != settings.chain.id {
            return Err(ProjectError::ChainId {
                at: config.origin("chain.id"),
                configured: settings.chain.id,
                genesis: genesis.config.chain_id,
                path,
            });
        }
        let rollup = rollup_config(&genesis, &path)?;
        rollup.validate().map_err(|error| ProjectError::Rules {
            path: path.clone(),
            error: error.to_string(),
        })?;
        let beside = Amendments::path_beside(&path);
        let amendments = Amendments::read(&beside)?;
        let epochs = amendments::epochs(rollup, &amendments.list).map_err(|reason| {
            ProjectError::Amendments {
                path: beside,
                reason,
            }
        })?;
        let layer = settings.da.r#use.layer();
        if !any_layer && !epochs.iter().any(|epoch| epoch.config.layer == layer) {
            return Err(ProjectError::DaLayer {
                at: config.origin("da.use"),
                configured: layer.to_owned(),
                genesis: rollup.da.layer.clone(),
            });
        }
        refuse_archives(&settings.da.archive, &epochs)?;
        refuse_disagreement(&config, &genesis, rollup, path.clone())?;
        Ok(Self {
            listen: settings.rpc.listen,
            data_dir: config.path(&settings.chain.data_dir),
            config: Arc::new(config),
            genesis: Arc::new(genesis),
            genesis_path: path,
            rollup_id: Arc::default(),
            clock: Arc::new(SystemClock),
            role: Role::Sequencer,
            dev: false,
            amendments: Arc::new(amendments),
            epochs: epochs.into(),
            locals: OpenLocals::default(),
            celestia: LiveCelestia::default(),
            dev_l1: DevL1::default(),
            fresh: Arc::default(),
        })
    }

    /// What the node does; a sequencer unless told otherwise.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Where JSON-RPC listens, instead of `rpc.listen`; port 0 takes a free one.
    #[must_use]
    pub fn with_listen(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }

    /// Where data lies, instead of `chain.data-dir`.
    #[must_use]
    pub fn with_data_dir(mut self, data_dir: impl Into<PathBuf>) -> Self {
        self.data_dir = data_dir.into();
        self.fresh = Arc::default();
        self
    }

    /// Serves the methods of a development chain: the public test accounts
    /// can be listed and used over RPC.
    #[must_use]
    pub fn with_dev_methods(mut self) -> Self {
        self.dev = true;
        self
    }

    /// A free port, and a DA layer with blocks every 200 ms.
    #[must_use]
    pub fn for_tests(mut self) -> Self {
        let mut config = (*self.config).clone();
        config.values.da.local.block_time = crate::config::Period::from_millis(200);
        config.values.da.celestia.block_time = crate::config::Period::from_millis(200);
        config.values.da.batch_interval = crate::config::Period::from_millis(400);
        self.config = Arc::new(config);
        self.listen.set_port(0);
        self
    }

    /// Starts log lines by `[telemetry]`.
    pub fn start_logging(&self) -> Result<(), ProjectError> {
        Ok(crate::logging::start(&self.config.values.telemetry)?)
    }

    /// Name of the rollup, for people.
    pub fn name(&self) -> &str {
        &self.config.values.chain.name
    }

    /// The configuration with where each value came from.
    pub fn config(&self) -> &Loaded {
        &self.config
    }

    /// Chain id.
    pub fn chain_id(&self) -> u64 {
        self.genesis.config.chain_id
    }

    /// Genesis hash: names chain, DA layer and rules together.
    pub fn rollup_id(&self) -> B256 {
        *self.rollup_id.get_or_init(|| {
            let genesis = &self.genesis;
            genesis.header(genesis.state_root()).hash_slow()
        })
    }

    /// The consensus configuration.
    pub fn rollup(&self) -> &RollupConfig {
        // `from_config` refuses a genesis file without it.
        match &self.genesis.config.rollwright {
            Some(rollup) => rollup,
            None => unreachable!("checked when the project was loaded"),
        }
    }

    /// Later changes of the chain configuration, oldest first: those of
    /// `amendments.json` beside the genesis file.
    pub fn amendments(&self) -> &[Amendment] {
        &self.amendments.list
    }

    /// The DA epochs of the chain, as its configuration gives them; never
    /// empty.
    pub fn epochs(&self) -> &[DaEpoch] {
        &self.epochs
    }

    /// Digest of the chain configuration with every amendment: equal on nodes
    /// that hold the same files.
    pub fn config_digest(&self) -> B256 {
        let genesis = self.genesis.config.hash();
        self.amendments()
            .iter()
            .fold(genesis, |digest, amendment| amendment.extend_digest(digest))
    }

    /// Tells the genesis hash that an engine of this project knows. Refuses
    /// amendments of another chain.
    pub(crate) fn found_rollup_id(&self, id: B256) -> Result<(), ProjectError> {
        // It is the same whoever computed it.
        let _ = self.rollup_id.set(id);
        match self.amendments.rollup_id {
            Some(found) if found != id => Err(ProjectError::Amendments {
                path: Amendments::path_beside(&self.genesis_path),
                reason: format!("it is of the chain {found}, and this one is {id}"),
            }),
            _ => Ok(()),
        }
    }

    /// Where JSON-RPC listens.
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// What the node does.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Where the node keeps its data.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Where blocks and state lie.
    pub fn state_dir(&self) -> PathBuf {
        self.data_dir.join("state")
    }

    /// True where the data directory held no state when this value first
    /// looked.
    pub(crate) fn is_fresh(&self) -> bool {
        *self.fresh.get_or_init(|| !self.state_dir().exists())
    }

    /// The key that signs batches.
    pub fn sequencer_key(&self) -> Result<SequencerKey, ProjectError> {
        let secret = self
            .config
            .values
            .sequencer
            .key
            .as_ref()
            .ok_or(ProjectError::NoKey)?;
        crate::dev::parse_key(&secret.read("sequencer.key", &self.config.base)?)
    }

    /// Checks that a sequencer's key can be read and stands in the chain's key
    /// schedule.
    pub fn check_sequencer_key(&self) -> Result<(), ProjectError> {
        crate::running::refuse_unscheduled(self, &self.sequencer_key()?)
    }

    /// The public test accounts that the genesis file funds.
    pub fn dev_accounts(&self) -> Vec<DevAccount> {
        funded_accounts(&self.genesis).collect()
    }

    /// Refuses a genesis file that funds the public test accounts on a layer
    /// which others share.
    pub fn refuse_public_keys(&self) -> Result<(), ProjectError> {
        let shared = |epoch: &&DaEpoch| {
            epoch.config.layer != "local"
                && !self.is_own_celestia(&epoch.config)
                && !Self::is_dev_l1(&epoch.config)
        };
        match self.epochs().iter().find(shared) {
            Some(epoch) if !self.dev_accounts().is_empty() => Err(ProjectError::PublicKeys {
                layer: epoch.config.layer.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// The project of a data directory: the configuration that its node was
    /// started with last.
    pub fn of_data_dir(path: &Path) -> Result<Self, ProjectError> {
        let config = path.join("rollup.toml");
        if !config.exists() {
            return Err(ProjectError::NoChain {
                path: path.to_owned(),
            });
        }
        let loaded = Layers {
            file: Some(config),
            environment: false,
            flags: Vec::new(),
        }
        .load()?;
        Ok(Self::from_config(loaded)?.with_data_dir(path))
    }

    /// The source of time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Reaches a layer at `url` instead of where `[da]` says; without a name the
    /// one that the chain began on.
    #[must_use]
    pub fn with_da_url(mut self, layer: Option<DaChoice>, url: &str) -> Self {
        let first = DaChoice::of_layer(&self.rollup().da.layer);
        let Some(layer) = layer.or(first) else {
            return self;
        };
        let mut config = (*self.config).clone();
        config.values.da.reach(layer, url);
        self.config = Arc::new(config);
        self
    }

    /// Where the process that runs this chain serves its DA layers; empty where
    /// none runs.
    pub fn running_da_urls(&self) -> Vec<(DaChoice, String)> {
        crate::traces::running_da_urls(&self.data_dir)
    }

    /// The feed that a replica follows, instead of `follower.feed`.
    #[must_use]
    pub fn with_feed(mut self, url: String) -> Self {
        let mut config = (*self.config).clone();
        config.values.follower.feed = Some(url);
        self.config = Arc::new(config);
        self
    }

    /// Where transactions are forwarded to, instead of `follower.sequencer`.
    #[must_use]
    pub fn with_sequencer(mut self, url: String) -> Self {
        let mut config = (*self.config).clone();
        config.values.follower.sequencer = Some(url);
        self.config = Arc::new(config);
        self
    }
}

/// Refuses settings that say otherwise than the chain's own rules.
fn refuse_disagreement(
    config: &Loaded,
    genesis: &Genesis,
    rollup: &RollupConfig,
    path: PathBuf,
) -> Result<(), ProjectError> {
    let configured = &config.values.execution.hardfork;
    let fork = latest_fork(genesis);
    if !configured.eq_ignore_ascii_case(&fork) {
        return Err(ProjectError::Disagree {
            key: "execution.hardfork",
            at: config.origin("execution.hardfork"),
            configured: configured.clone(),
            genesis: fork,
            path,
        });
    }
    let da = &config.values.da;
    let embedded = match DaChoice::of_layer(&rollup.da.layer) {
        Some(DaChoice::Local) if da.local.url.is_none() => {
            Some(("da.local.block-time", da.local.block_time))
        }
        Some(DaChoice::Celestia) if da.celestia.rpc.0.is_empty() => {
            Some(("da.celestia.block-time", da.celestia.block_time))
        }
        _ => None,
    };
    if let Some((key, block_time)) = embedded {
        refuse_slow_da(rollup, key, block_time, || config.origin(key), path.clone())?;
    }
    let (batch, most) = (
        config.values.da.max_batch,
        ByteSize(u64::from(rollup.limits.batch_bytes)),
    );
    if batch > most {
        return Err(ProjectError::Disagree {
            key: "da.max-batch",
            at: config.origin("da.max-batch"),
            configured: batch.to_string(),
            genesis: format!("at most {most}"),
            path,
        });
    }
    Ok(())
}

/// Refuses an embedded layer that is too slow for the chain: origins would be
/// older than the chain's drift bound allows, and no block could be made.
pub(crate) fn refuse_slow_da(
    rollup: &RollupConfig,
    key: &'static str,
    configured: Period,
    at: impl FnOnce() -> String,
    path: PathBuf,
) -> Result<(), ProjectError> {
    let depth = rollup
        .timing
        .force_delay
        .saturating_add(1)
        .saturating_mul(2);
    let slowest = rollup.timing.drift_seconds.saturating_mul(1_000) / depth.max(1);
    if configured.as_millis() <= slowest {
        return Ok(());
    }
    Err(ProjectError::Disagree {
        key,
        at: at(),
        configured: configured.to_string(),
        genesis: format!(
            "at most {}, because timing.driftSeconds is {}",
            Period::from_millis(slowest),
            rollup.timing.drift_seconds
        ),
        path,
    })
}

/// The latest fork that a genesis file schedules, as `execution.hardfork`
/// spells it. Changes of blob parameters alone are no forks of their own.
pub(crate) fn latest_fork(genesis: &Genesis) -> String {
    genesis
        .config
        .forks()
        .map(|(key, _)| key.trim_end_matches("Time").trim_end_matches("Block"))
        .filter(|name| !name.starts_with("bpo"))
        .last()
        .unwrap_or("frontier")
        .to_owned()
}

/// Refuses less memory than the store can do with.
fn refuse_small_memory(config: &Loaded) -> Result<(), ConfigError> {
    const LEAST: ByteSize = ByteSize(256 << 20);
    let memory = config.values.execution.memory;
    if memory >= LEAST {
        return Ok(());
    }
    let key = "execution.memory";
    Err(ConfigError::Value {
        at: config.origin(key),
        key: key.to_owned(),
        message: format!("{memory} is too little for a store; write {LEAST} or more"),
    })
}

/// Refuses settings that would have no effect in this version: a setting that
/// is accepted works.
fn refuse_unbuilt(values: &RollupToml) -> Result<(), ConfigError> {
    let refuse = |key: &str, value: String, available: &str| {
        Err(ConfigError::Unavailable {
            key: key.to_owned(),
            value,
            available: available.to_owned(),
        })
    };
    if values.da.finality == FinalityChoice::Observed {
        return refuse("da.finality", "observed".to_owned(), "final");
    }
    if values.da.on_failure == OnFailure::Halt {
        return refuse("da.on-failure", "halt".to_owned(), "buffer");
    }
    if let Some(address) = values.telemetry.metrics {
        let instead = "no listener of its own: /metrics is on the RPC port";
        return refuse("telemetry.metrics", address.to_string(), instead);
    }
    Ok(())
}

/// Refuses archives on a chain none of whose layers has any.
fn refuse_archives(archive: &[String], epochs: &[DaEpoch]) -> Result<(), ConfigError> {
    if archive.is_empty() || epochs.iter().any(|epoch| epoch.config.layer == "ethereum") {
        return Ok(());
    }
    Err(ConfigError::Unavailable {
        key: "da.archive".to_owned(),
        value: archive.join(", "),
        available: "[] (this layer has no archives)".to_owned(),
    })
}

/// The public test accounts that a genesis file funds.
pub(crate) fn funded_accounts(genesis: &Genesis) -> impl Iterator<Item = DevAccount> {
    (0..)
        .map_while(dev_account)
        .take_while(|account| genesis.alloc.contains_key(&account.address))
}

pub(crate) fn read_genesis(path: &Path) -> Result<Genesis, ProjectError> {
    let text = std::fs::read_to_string(path).map_err(|source| ProjectError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok(Genesis::from_json(&text)?)
}

fn rollup_config<'a>(genesis: &'a Genesis, path: &Path) -> Result<&'a RollupConfig, ProjectError> {
    genesis
        .config
        .rollwright
        .as_ref()
        .ok_or_else(|| ProjectError::NotARollup {
            path: path.to_owned(),
        })
}
