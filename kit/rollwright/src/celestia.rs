//! Celestia as a project's DA layer, and the embedded devnet of development
//! chains.

use crate::{
    Project, ProjectError,
    config::{CelestiaDaSection, ConfigError},
    layers::Use,
};
use rollwright_core::{B256, Clock, DaHeader, DaHeight};
use rollwright_da_celestia::{
    CelestiaConfig, CelestiaDa, CelestiaError, Checkpoint, GasPrice, OwnKeyConfig,
    devnet::{BlockProduction, CelestiaDevnet, DevnetConfig, DevnetHandle},
    parse_namespace,
    sampling::{SampleReport, SampleSecret},
};
use rollwright_derive::{DaEpoch, DaEpochConfig};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
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
    layers: Vec<CelestiaDa>,
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
        let Parts { devnet, layers } = self.with(std::mem::take);
        if let Some(devnet) = devnet {
            for layer in &layers {
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
        for layer in layers {
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

impl Project {
    /// Opens Celestia at this rollup's namespace: the nodes that are
    /// configured, or the embedded devnet of a development chain, which this
    /// process then runs.
    pub(crate) async fn open_celestia(
        &self,
        epoch: &DaEpoch,
        how: Use,
    ) -> Result<CelestiaDa, ProjectError> {
        let section = &self.config.values.da.celestia;
        let da = &epoch.config;
        let namespace = parse_namespace(&da.address).map_err(CelestiaError::from)?;
        let mut config = CelestiaConfig::new(Vec::new(), &da.network, namespace);
        config.block_time = Duration::from_millis(da.block_time_ms);
        config.gas_price = GasPrice::from_micro(section.gas_price.micro);
        config.max_gas_price = GasPrice::from_micro(section.max_gas_price.micro);
        // Whoever only reads keeps nothing: the file belongs to the node.
        config.path = (how == Use::Node).then(|| self.celestia_journal(epoch.index));
        if section.rpc.0.is_empty() {
            let devnet = self.celestia_devnet(epoch, how).await?;
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
            self.celestia.with(|parts| parts.layers.push(layer.clone()));
        }
        Ok(layer)
    }

    /// How sure it is that the newest block of a DA epoch's layer was published
    /// as a whole, by `da.celestia.sampling` random shares of it; `None` where
    /// none are asked for, or the epoch is on another layer.
    pub async fn sample_da_head(&self, index: u32) -> Result<Option<SampleReport>, ProjectError> {
        let samples = self.config.values.da.celestia.sampling;
        let epoch = self.epochs().get(index as usize);
        let Some(epoch) = epoch.filter(|epoch| epoch.config.layer == "celestia" && samples > 0)
        else {
            return Ok(None);
        };
        let layer = self.open_celestia(epoch, Use::Read).await?;
        let secret = SampleSecret::new(B256::random().0);
        Ok(Some(layer.sample_head(&secret, samples).await?))
    }

    /// The network that the first configured node is on, asked without knowing
    /// its name.
    pub(crate) async fn celestia_now(&self) -> Result<CelestiaNow, ProjectError> {
        let section = &self.config.values.da.celestia;
        let base = &self.config.base;
        let url = match section.rpc.0.first() {
            Some(endpoint) => endpoint.read("da.celestia.rpc", base)?,
            None => String::new(),
        };
        let token = match &section.token {
            Some(token) => Some(token.read("da.celestia.token", base)?),
            None => None,
        };
        let node = Asked {
            url: url.replacen("ws", "http", usize::from(url.starts_with("ws"))),
            token,
        };
        let (network, height, time) = node.header("header.LocalHead", json!([])).await?;
        let before = height.saturating_sub(MEASURED_BLOCKS).max(1);
        let (_, _, begin) = node.header("header.GetByHeight", json!([before])).await?;
        let blocks = height.saturating_sub(before).max(1);
        let block_time_ms = time.saturating_sub(begin) / blocks;
        Ok(CelestiaNow {
            network,
            height: DaHeight(height),
            block_time_ms: block_time_ms.clamp(50, 60_000),
        })
    }

    /// Each epoch has a journal of its own: it belongs to one namespace.
    fn celestia_journal(&self, epoch: u32) -> PathBuf {
        match epoch {
            0 => self.data_dir.join(JOURNAL_FILE),
            later => self.data_dir.join(format!("celestia-journal-{later}.redb")),
        }
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
        for endpoint in &section.archive.0 {
            config
                .archive
                .push(endpoint.read("da.celestia.archive", base)?);
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

    /// True where a Celestia network is one that `rollwright dev` made, or that
    /// this process runs itself.
    pub(crate) fn is_own_celestia(&self, da: &DaEpochConfig) -> bool {
        da.layer == "celestia"
            && (self.config.values.da.celestia.rpc.0.is_empty()
                || da.network.starts_with(DEV_NETWORK))
    }

    async fn celestia_devnet(
        &self,
        epoch: &DaEpoch,
        how: Use,
    ) -> Result<DevnetHandle, ProjectError> {
        if let Some(running) = self.celestia.devnet() {
            return Ok(running);
        }
        let path = self.data_dir.join(DEVNET_FILE);
        if !path.exists() {
            self.refuse_another_devnet(&path, epoch, how)?;
        }
        let blocks = match how {
            Use::Node | Use::Check => {
                BlockProduction::Every(self.config.values.da.celestia.block_time.0)
            }
            Use::Read => BlockProduction::Manual,
        };
        let network = &epoch.config.network;
        let devnet = start_devnet(network, &path, blocks, self.clock()).await?;
        // A rollup's first block stands on a DA block that has one on top.
        if how == Use::Node && devnet.head() <= epoch.config.start_height.0 {
            devnet.mine(1).await?;
        }
        self.celestia
            .with(|parts| parts.devnet = Some(devnet.clone()));
        Ok(devnet)
    }

    /// An empty network does not replace the one that holds the chain, and
    /// none is made up for a chain that is not for development.
    fn refuse_another_devnet(
        &self,
        path: &Path,
        epoch: &DaEpoch,
        how: Use,
    ) -> Result<(), ProjectError> {
        if epoch.index == 0 && self.dev && how == Use::Node {
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

/// Blocks over which the time between them is measured.
const MEASURED_BLOCKS: u64 = 32;

/// A Celestia network that nobody named.
pub(crate) struct CelestiaNow {
    pub(crate) network: String,
    pub(crate) height: DaHeight,
    /// Mean time between its newest blocks.
    pub(crate) block_time_ms: u64,
}

struct Asked {
    url: String,
    token: Option<String>,
}

impl Asked {
    /// Chain id, height and time in milliseconds of a header. Nothing of it is
    /// believed: whoever opens the layer verifies.
    async fn header(
        &self,
        method: &str,
        params: serde_json::Value,
    ) -> Result<(String, u64, u64), ProjectError> {
        let failed = |text: String| {
            ProjectError::from(CelestiaError::Transport {
                endpoint: self
                    .url
                    .split('@')
                    .next_back()
                    .unwrap_or_default()
                    .to_owned(),
                text,
            })
        };
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = reqwest::Client::new()
            .post(&self.url)
            .timeout(Duration::from_secs(10))
            .header("content-type", "application/json")
            .body(body.to_string());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = async {
            let answer = request.send().await?.error_for_status()?;
            answer.text().await
        };
        let text = answer
            .await
            .map_err(|error| failed(error.without_url().to_string()))?;
        let answer: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let header = &answer["result"]["header"];
        let time = header["time"]
            .as_str()
            .and_then(|text| humantime::parse_rfc3339_weak(text).ok())
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let height = match &header["height"] {
            serde_json::Value::String(digits) => digits.parse().ok(),
            number => number.as_u64(),
        };
        match (header["chain_id"].as_str(), height, time) {
            (Some(network), Some(height), Some(time)) => Ok((
                network.to_owned(),
                height,
                u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            )),
            _ => Err(failed(format!(
                "{method} gave no header: {}",
                answer["error"]["message"]
                    .as_str()
                    .unwrap_or("another answer")
            ))),
        }
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
