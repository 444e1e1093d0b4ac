//! Celestia as a project's DA layer, and the embedded devnet of development
//! chains.

use crate::{
    Project, ProjectError,
    config::{CelestiaDaSection, ConfigError},
};
use rollwright_core::{B256, Clock, DaHeader, DaHeight};
use rollwright_da_celestia::{
    CelestiaConfig, CelestiaDa, CelestiaError, Checkpoint, OwnKeyConfig,
    devnet::{BlockProduction, CelestiaDevnet, DevnetConfig, DevnetHandle},
    parse_namespace,
};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::net::TcpListener;

/// The devnet's file in the data directory.
const DEVNET_FILE: &str = "celestia.redb";

/// What was posted and which headers are believed, in the data directory.
const JOURNAL_FILE: &str = "celestia-journal.redb";

/// Most blocks that a stop makes, and how long it waits for a submission to
/// arrive.
const LAST_BLOCKS: usize = 8;
const STOP: Duration = Duration::from_secs(5);

/// How the names of development chains' networks begin.
const DEV_NETWORK: &str = "dev-";

/// What this process runs of Celestia, until the project's node stops.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveCelestia(Arc<Mutex<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    devnet: Option<DevnetHandle>,
    layer: Option<CelestiaDa>,
}

impl LiveCelestia {
    fn with<T>(&self, change: impl FnOnce(&mut Parts) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn devnet(&self) -> Option<DevnetHandle> {
        self.with(|parts| parts.devnet.clone())
    }

    /// Ends the devnet with last blocks of what waits, and releases its file
    /// and the journal.
    pub(crate) async fn stop(&self) {
        let Parts { devnet, layer } = self.with(std::mem::take);
        if let Some(devnet) = devnet {
            if let Some(layer) = &layer {
                let including = include_what_waits(&devnet, layer);
                match tokio::time::timeout(STOP, including).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(target: "da", %error, "no last Celestia block was made");
                    }
                    Err(_) => {
                        tracing::warn!(target: "da", "a submission to Celestia is open; it is looked for at the next start");
                    }
                }
            }
            devnet.stop().await;
        }
        if let Some(layer) = layer {
            layer.close();
        }
    }
}

/// Makes blocks until no submission is under way: the mempool ends with this
/// process, and what was lost with it would be posted again only after its
/// time there has passed.
async fn include_what_waits(
    devnet: &DevnetHandle,
    layer: &CelestiaDa,
) -> Result<(), CelestiaError> {
    let (mut mempool, mut outstanding) = (devnet.mempool(), layer.outstanding());
    let mut made = 0;
    while made < LAST_BLOCKS {
        if *mempool.borrow_and_update() > 0 {
            made += 1;
            let height = devnet.mine(1).await?;
            tracing::info!(target: "da", height, "a last DA block holds what was posted");
        } else if *outstanding.borrow_and_update() == 0 {
            break;
        } else {
            tokio::select! {
                // Neither sender goes away before its handle.
                _ = mempool.changed() => {}
                _ = outstanding.changed() => {}
            }
        }
    }
    Ok(())
}

/// Who opens the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The node: it keeps a journal, and an embedded devnet makes blocks.
    Node,
    /// A command: it leaves nothing behind, and an embedded devnet stands still.
    Read,
}

impl Project {
    /// Opens Celestia at this rollup's namespace: the nodes that are
    /// configured, or the embedded devnet of a development chain, which this
    /// process then runs.
    pub(crate) async fn open_celestia(&self, how: Use) -> Result<CelestiaDa, ProjectError> {
        let section = &self.config.values.da.celestia;
        let rollup = self.rollup();
        let namespace = parse_namespace(&rollup.da.address).map_err(CelestiaError::from)?;
        let mut config = CelestiaConfig::new(Vec::new(), &rollup.da.network, namespace);
        config.block_time = Duration::from_millis(rollup.da.block_time_ms);
        config.gas_price = section.gas_price.0;
        config.max_gas_price = section.max_gas_price.0;
        // Whoever only reads keeps nothing: the file belongs to the node.
        config.path = (how == Use::Node).then(|| self.data_dir.join(JOURNAL_FILE));
        if section.rpc.0.is_empty() {
            let devnet = self.celestia_devnet(how).await?;
            config.endpoints = vec![devnet.url()];
            // It may rest for months, and keeps every block.
            config.trusting_period = None;
            config.retention = None;
            config.checkpoint = devnet.header(1).await?.map(|header| Checkpoint {
                height: header.height,
                hash: header.hash,
            });
        } else {
            self.configured_celestia(section, &mut config)?;
        }
        let layer = CelestiaDa::open(config, self.clock())?;
        if how == Use::Node {
            self.celestia
                .with(|parts| parts.layer = Some(layer.clone()));
        }
        Ok(layer)
    }

    fn configured_celestia(
        &self,
        section: &CelestiaDaSection,
        config: &mut CelestiaConfig,
    ) -> Result<(), ConfigError> {
        let base = &self.config.base;
        for endpoint in &section.rpc.0 {
            config
                .endpoints
                .push(endpoint.read("da.celestia.rpc", base)?);
        }
        if let Some(token) = &section.token {
            config.token = Some(token.read("da.celestia.token", base)?);
        }
        config.own_key = self.own_celestia_key(section)?;
        config.trusting_period = Some(section.trusting_period.0);
        config.checkpoint = section.checkpoint.map(|checkpoint| Checkpoint {
            height: DaHeight(checkpoint.height),
            hash: checkpoint.hash,
        });
        Ok(())
    }

    /// Posting with keys of our own, where `signer` names one. The consensus
    /// node is asked for a price; `gas-price` is the lowest that is offered.
    fn own_celestia_key(
        &self,
        section: &CelestiaDaSection,
    ) -> Result<Option<OwnKeyConfig>, ConfigError> {
        let base = &self.config.base;
        let Some(signer) = &section.signer else {
            return Ok(None);
        };
        let mut own = OwnKeyConfig {
            keys: vec![signer.read("da.celestia.signer", base)?],
            estimate: true,
            max_spend_per_day: section.max_spend.map(|limit| limit.0),
            fee_granter: section.fee_granter.clone(),
            ..OwnKeyConfig::default()
        };
        for account in &section.accounts {
            own.keys.push(account.read("da.celestia.accounts", base)?);
        }
        for endpoint in &section.grpc.0 {
            own.grpc.push(endpoint.read("da.celestia.grpc", base)?);
        }
        Ok(Some(own))
    }

    /// Where the embedded Celestia devnet of this process serves its RPC;
    /// `None` where this process runs none.
    pub fn celestia_devnet_url(&self) -> Option<String> {
        self.celestia.devnet().map(|devnet| devnet.url())
    }

    /// True where the chain's Celestia network is one that `rollwright dev`
    /// made, or that this process runs itself.
    pub(crate) fn is_own_celestia(&self) -> bool {
        let da = &self.rollup().da;
        da.layer == "celestia"
            && (self.config.values.da.celestia.rpc.0.is_empty()
                || da.network.starts_with(DEV_NETWORK))
    }

    async fn celestia_devnet(&self, how: Use) -> Result<DevnetHandle, ProjectError> {
        if let Some(running) = self.celestia.devnet() {
            return Ok(running);
        }
        let path = self.data_dir.join(DEVNET_FILE);
        if !path.exists() {
            self.refuse_another_devnet(&path, how)?;
        }
        let blocks = match how {
            Use::Node => BlockProduction::Every(self.config.values.da.celestia.block_time.0),
            Use::Read => BlockProduction::Manual,
        };
        let network = &self.rollup().da.network;
        let devnet = start_devnet(network, &path, blocks, self.clock()).await?;
        // A rollup's first block stands on a DA block that has one on top.
        if how == Use::Node && devnet.head() <= self.rollup().da.start_height.0 {
            devnet.mine(1).await?;
        }
        self.celestia
            .with(|parts| parts.devnet = Some(devnet.clone()));
        Ok(devnet)
    }

    /// An empty network does not replace the one that holds the chain, and
    /// none is made up for a chain that is not for development.
    fn refuse_another_devnet(&self, path: &Path, how: Use) -> Result<(), ProjectError> {
        if self.dev && how == Use::Node {
            if self.is_fresh() {
                return Ok(());
            }
            return Err(CelestiaError::Devnet(format!(
                "{} is missing, and the chain's blocks were posted there; put it back, or begin a new chain in another folder",
                path.display()
            ))
            .into());
        }
        let key = "da.celestia.rpc";
        Err(ConfigError::Value {
            at: self.config.origin(key),
            key: key.to_owned(),
            message: "it names no Celestia node, and this data directory holds no embedded devnet; write at least one address, such as \"http://127.0.0.1:26658\", or start the chain with `rollwright dev`".to_owned(),
        }
        .into())
    }
}

/// The devnet of a network's name, on a free port: its keys follow from the
/// name.
async fn start_devnet(
    network: &str,
    path: &Path,
    blocks: BlockProduction,
    clock: Arc<dyn Clock>,
) -> Result<DevnetHandle, ProjectError> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|error| CelestiaError::Devnet(format!("it has no port: {error}")))?;
    let seed = network.bytes().fold(0u64, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let config = DevnetConfig {
        seed,
        path: Some(path.to_owned()),
        blocks,
        ..DevnetConfig::new(network)
    };
    Ok(CelestiaDevnet::start(config, clock, listener).await?)
}

/// Makes the devnet of a new development chain; its network's name and first
/// block. Files that an interrupted start left without a chain are set aside.
pub(crate) async fn create_devnet(
    folder: &Path,
    clock: Arc<dyn Clock>,
) -> Result<(String, DaHeader), ProjectError> {
    let id = B256::random().to_string();
    let network = format!("{DEV_NETWORK}{}", id.get(2..14).unwrap_or(&id));
    let path = folder.join(DEVNET_FILE);
    for file in [&path, &folder.join(JOURNAL_FILE)] {
        crate::files::set_aside(file)?;
    }
    let devnet = start_devnet(&network, &path, BlockProduction::Manual, clock).await?;
    let first = devnet.header(1).await?;
    devnet.stop().await;
    let first =
        first.ok_or_else(|| CelestiaError::Devnet("its first block was not made".to_owned()))?;
    Ok((network, first))
}
