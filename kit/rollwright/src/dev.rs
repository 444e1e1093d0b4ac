//! Development chains: everything in one folder, made at the first start.
//!
//! ```text
//! genesis.json     what the chain is
//! rollup.toml      what its node chose; other commands read it by --datadir
//! sequencer.key    signs batches
//! da/              the embedded DA layer, with its network id
//! celestia.redb    instead: an embedded Celestia devnet
//! l1/, l1.key      instead: a development L1's state, the posting journal and key
//! state/           blocks and state
//! ```

use crate::{
    Amendments, Project, ProjectError, celestia,
    config::{
        BlockIdSetting, BlockTimeSetting, DaChoice, Endpoint, Endpoints, HistorySetting, Layers,
        Period, RollupToml, Secret,
    },
    files, l1,
    layers::local_config,
    project::{funded_accounts, read_genesis, refuse_slow_da},
};
use rollwright_core::{Address, B256, Clock, DaHeader, DaHeight, DataAvailability};
use rollwright_da_local::{BlockProduction, LocalDa, Namespace};
use rollwright_derive::{Amendment, AmendmentChange, DevChain, RollupConfig};
use rollwright_evm::genesis::{DEV_CHAIN_ID, DevAccount, DevGenesis, Genesis, dev_account};
use rollwright_node::{SequencerKey, SystemClock};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// What a development chain can be told.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// The folder; made if it does not exist.
    pub data_dir: PathBuf,
    /// Chain id; `None` is 42069 for a new chain, and whatever it is for an old one.
    pub chain_id: Option<u64>,
    /// Funded accounts; `None` is 10 for a new chain, and whatever they are for
    /// an old one.
    pub accounts: Option<u32>,
    /// Time between blocks.
    pub block_time: BlockTimeSetting,
    /// Where JSON-RPC listens.
    pub listen: SocketAddr,
    /// Time between blocks of the embedded DA layer.
    pub da_block_time: Period,
    /// Faults of the embedded DA layer.
    pub da_faults: String,
    /// The DA layer; `None` is the local one for a new chain, and whatever it is
    /// for an old one.
    pub da: Option<DaChoice>,
}

impl DevOptions {
    /// The defaults of `rollwright dev`, in the given folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            chain_id: None,
            accounts: None,
            block_time: BlockTimeSetting::Every(Period::from_millis(1000)),
            listen: SocketAddr::from(([127, 0, 0, 1], 8545)),
            da_block_time: Period::from_millis(2000),
            da_faults: "none".to_owned(),
            da: None,
        }
    }

    /// Makes the chain's files where they do not exist yet, and loads them.
    ///
    /// A crash midway leaves a folder that the next call completes. Refuses a
    /// folder that holds a chain with another id, number of accounts or DA layer.
    pub async fn prepare(mut self) -> Result<Project, ProjectError> {
        self.refuse_block_times()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        files::make_dir(&self.data_dir)?;
        let genesis = self.data_dir.join("genesis.json");
        // It may be large: it is read once.
        let found = if genesis.exists() {
            Some(read_genesis(&genesis)?)
        } else if self.data_dir.join("state").exists() {
            return Err(ProjectError::GenesisMissing { path: genesis });
        } else {
            None
        };
        let chain_id = match &found {
            Some(found) => {
                self.settle_layer(found)?;
                Some(self.refuse_other(found, genesis.clone())?)
            }
            None => None,
        };
        self.refuse_faults_elsewhere()?;
        // Its first layer, or one that an amendment leads to.
        let amended = Amendments::read(&Amendments::path_beside(&genesis))?;
        let to_l1 = |amendment: &Amendment| matches!(&amendment.change, AmendmentChange::DaEpoch(next) if next.layer == DaChoice::Ethereum.layer());
        let l1 = if self.layer() == DaChoice::Ethereum || amended.list.iter().any(to_l1) {
            Some(l1::start_dev_l1(&self.data_dir, self.da_block_time.0).await?)
        } else {
            None
        };
        let l1_url = l1.as_ref().map(l1::Anvil::url);
        let chain_id = match chain_id {
            Some(chain_id) => chain_id,
            None => {
                let url = l1_url.as_deref();
                self.create(&genesis, url, clock).await?
            }
        };
        let settings = self.data_dir.join("rollup.toml");
        files::write(&settings, &self.settings(chain_id, l1_url))?;
        let config = Layers {
            file: Some(settings),
            environment: false,
            flags: Vec::new(),
        }
        .load()?;
        let project = Project::assemble(config, found)?
            .with_listen(self.listen)
            .with_dev_methods();
        if let Some(l1) = l1 {
            project.dev_l1.keep(l1);
        }
        Ok(project)
    }

    fn layer(&self) -> DaChoice {
        self.da.unwrap_or(DaChoice::Local)
    }

    /// Takes the DA layer of a chain that exists, and refuses another one.
    fn settle_layer(&mut self, genesis: &Genesis) -> Result<(), ProjectError> {
        let Some(rollup) = &genesis.config.rollwright else {
            return Ok(());
        };
        let found = DaChoice::of_layer(&rollup.da.layer);
        if let Some(wanted) = self.da
            && found != Some(wanted)
        {
            return Err(ProjectError::DaLayer {
                at: "--da".to_owned(),
                configured: wanted.layer().to_owned(),
                genesis: rollup.da.layer.clone(),
            });
        }
        self.da = found;
        Ok(())
    }

    /// Refuses faults that nothing would inject.
    fn refuse_faults_elsewhere(&self) -> Result<(), ProjectError> {
        if self.layer() == DaChoice::Local || self.da_faults == "none" {
            return Ok(());
        }
        Err(ProjectError::Invalid(format!(
            "faults can be injected into the local DA layer only, and this chain is on {}; leave --da-faults out",
            self.layer().layer()
        )))
    }

    /// Refuses block times for which a development chain has no valid rules,
    /// before anything is written.
    fn refuse_block_times(&self) -> Result<(), ProjectError> {
        let found = self.da_block_time;
        if !(DA_BLOCK_TIME_MS.contains(&found.as_millis())) {
            return Err(ProjectError::Invalid(format!(
                "a development chain's DA block time lies between {} and {}, this one is {found}",
                Period::from_millis(*DA_BLOCK_TIME_MS.start()),
                Period::from_millis(*DA_BLOCK_TIME_MS.end()),
            )));
        }
        Ok(())
    }

    /// Refuses a chain that was begun with other settings; its chain id.
    fn refuse_other(&self, genesis: &Genesis, path: PathBuf) -> Result<u64, ProjectError> {
        if let Some(rollup) = &genesis.config.rollwright {
            refuse_slow_da(
                rollup,
                match self.layer() {
                    DaChoice::Celestia => "da.celestia.block-time",
                    DaChoice::Ethereum => "da.ethereum.slot-time",
                    DaChoice::Local => "da.local.block-time",
                },
                self.da_block_time,
                || "--da-block-time".into(),
                path,
            )?;
        }
        let found = genesis.config.chain_id;
        if let Some(wanted) = self.chain_id
            && wanted != found
        {
            return Err(ProjectError::OtherChain {
                path: self.data_dir.clone(),
                found,
                wanted,
            });
        }
        if let Some(wanted) = self.accounts {
            let funded = funded_accounts(genesis).count();
            let funded = u32::try_from(funded).unwrap_or(u32::MAX);
            if wanted != funded {
                return Err(ProjectError::OtherAccounts {
                    path: self.data_dir.clone(),
                    found: funded,
                    wanted,
                });
            }
        }
        Ok(found)
    }

    fn settings(&self, chain_id: u64, l1_url: Option<String>) -> String {
        let mut values = RollupToml::default();
        values.chain.name = "dev".to_owned();
        values.chain.id = chain_id;
        values.chain.block_time = self.block_time;
        values.chain.data_dir = ".".into();
        values.execution.history = HistorySetting::Archive;
        values.da.local.path = "da".into();
        values.da.local.block_time = self.da_block_time;
        values.da.local.faults.clone_from(&self.da_faults);
        values.da.r#use = self.layer();
        values.da.celestia.block_time = self.da_block_time;
        if let Some(url) = l1_url {
            let url = Endpoints(vec![Endpoint::Address(url)]);
            values.da.ethereum.rpc = url.clone();
            values.da.ethereum.beacon = url;
            values.da.ethereum.signer = Some(Secret::File(l1::DEV_KEY.into()));
            values.da.ethereum.block_id = BlockIdSetting::Number;
            values.da.ethereum.slot_time = self.da_block_time;
        }
        values.sequencer.key = Some(Secret::File("sequencer.key".into()));
        values.rpc.listen = self.listen;
        values.rpc.cors = vec!["*".to_owned()];
        let body = toml_edit::ser::to_string_pretty(&values).unwrap_or_default();
        format!("# Written at every start of `rollwright dev`; changes here are lost.\n{body}")
    }

    /// Makes DA layer, key and genesis file, in this order: the genesis file
    /// names the other two, and marks the folder as complete.
    async fn create(
        &self,
        path: &std::path::Path,
        l1_url: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<u64, ProjectError> {
        let chain_id = self.chain_id.unwrap_or(DEV_CHAIN_ID);
        let (network, address, first) = match l1_url {
            Some(url) => {
                l1::leave_dev_key(&self.data_dir)?;
                let (network, head) = l1::l1_now(url, clock).await?;
                let inbox = l1::inbox_text(chain_id, NAMESPACE);
                (network, inbox, head)
            }
            None => {
                let (network, first) = match self.layer() {
                    DaChoice::Celestia => celestia::create_devnet(&self.data_dir, clock).await?,
                    DaChoice::Local | DaChoice::Ethereum => self.create_local(clock).await?,
                };
                (network, NAMESPACE.to_owned(), first)
            }
        };
        let sequencer = self.sequencer_key()?.address();
        let mut rollup = RollupConfig::dev(DevChain {
            network,
            address,
            start_height: first.height,
            da_block_time_ms: self.da_block_time.as_millis(),
            block_time_ms: block_time_ms(self.block_time),
            sequencer,
            fee_vault: FEE_VAULT,
            ..DevChain::default()
        });
        self.layer().layer().clone_into(&mut rollup.da.layer);
        let genesis = DevGenesis {
            chain_id,
            accounts: self.accounts.unwrap_or(DEV_ACCOUNTS),
            ..DevGenesis::new(first.time.saturating_sub(1), rollup)
        };
        files::write(path, &genesis.genesis().to_json())?;
        Ok(chain_id)
    }

    /// Makes the embedded layer's file; its network and first block.
    async fn create_local(
        &self,
        clock: Arc<dyn Clock>,
    ) -> Result<(String, DaHeader), ProjectError> {
        let namespace = Namespace::new(NAMESPACE)?;
        let section = crate::config::LocalDaSection {
            block_time: self.da_block_time,
            ..crate::config::LocalDaSection::default()
        };
        let blocks = BlockProduction::Manual(self.da_block_time.0);
        let da = LocalDa::open(
            local_config(&section, self.data_dir.join("da"), namespace, None, blocks)?,
            clock,
        )?;
        let start = da.head().await?.observed.height;
        let first = da.header(start).await?;
        let network = da.caps().network;
        da.close().await;
        Ok((network, first))
    }

    fn sequencer_key(&self) -> Result<SequencerKey, ProjectError> {
        let path = self.data_dir.join("sequencer.key");
        if !path.exists() {
            files::write_private(&path, &format!("{}\n", random_key()))?;
        }
        let text = Secret::File(path).read("sequencer.key", std::path::Path::new(""))?;
        parse_key(&text)
    }
}

/// The development accounts, by index.
pub fn accounts(count: u32) -> Vec<DevAccount> {
    (0..count).filter_map(dev_account).collect()
}

/// The `genesis.json` of a new project: a development chain on the local DA
/// layer whose batches `sequencer` signs.
///
/// `now` is Unix seconds; the genesis block's time. The DA layer's first block
/// must be later than that.
pub fn new_genesis(
    chain_id: u64,
    sequencer: Address,
    network: &str,
    salt: B256,
    now: u64,
) -> String {
    let rollup = RollupConfig::dev(DevChain {
        network: network.to_owned(),
        address: NAMESPACE.to_owned(),
        start_height: FIRST_HEIGHT,
        sequencer,
        fee_vault: FEE_VAULT,
        salt,
        ..DevChain::default()
    });
    DevGenesis {
        chain_id,
        ..DevGenesis::new(now, rollup)
    }
    .genesis()
    .to_json()
}

/// DA block times, in milliseconds, for which the rules of a development
/// chain hold together (see `RollupConfig::dev`).
pub const DA_BLOCK_TIME_MS: std::ops::RangeInclusive<u64> = 50..=100_000;

/// Funded accounts of a chain that names no number.
const DEV_ACCOUNTS: u32 = 10;

/// Namespace of development chains on their own DA layer.
const NAMESPACE: &str = "rollup";

/// The local layer's first height.
const FIRST_HEIGHT: DaHeight = DaHeight(1);

/// Receives the priority fees of blocks that the deriver makes itself.
const FEE_VAULT: Address = Address::new([
    0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11,
]);

/// A block time for the chain's rules: on-demand chains may make several
/// blocks in one second.
fn block_time_ms(setting: BlockTimeSetting) -> u64 {
    match setting {
        BlockTimeSetting::Every(period) => period.as_millis(),
        BlockTimeSetting::Auto => 100,
    }
}

/// Thirty-two bytes from the operating system's generator.
fn random_key() -> B256 {
    loop {
        let candidate = B256::random();
        if SequencerKey::from_bytes(candidate).is_ok() {
            return candidate;
        }
    }
}

/// A key from its hex digits. The text appears in no error.
pub(crate) fn parse_key(text: &str) -> Result<SequencerKey, ProjectError> {
    let bytes: B256 = text.trim().parse().map_err(|_| {
        ProjectError::Invalid("the sequencer's key is not 64 hex digits".to_owned())
    })?;
    SequencerKey::from_bytes(bytes).map_err(|error| ProjectError::Invalid(error.to_string()))
}
