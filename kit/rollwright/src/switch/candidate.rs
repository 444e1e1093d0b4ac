//! Layers that a chain could begin on, or go over to.

#[cfg(any(feature = "celestia", feature = "ethereum"))]
use super::SwitchError;
#[cfg(feature = "celestia")]
use crate::celestia;
use crate::{
    Project, ProjectError,
    config::{DaChoice, Period},
    files,
    layers::{OpenLocal, Use, local_config},
};
#[cfg(feature = "ethereum")]
use crate::{config::Endpoint, l1};
use rollwright_core::{DaHeader, DaHeight, DataAvailability, boxed::BoxDa, decorators::TimeLimit};
#[cfg(feature = "celestia")]
use rollwright_da_celestia::CelestiaDa;
#[cfg(feature = "ethereum")]
use rollwright_da_ethereum::{Anvil, EthereumDa, inbox_of};
use rollwright_da_local::{BlockProduction, LocalDa, LocalDaConfig, Namespace};
use rollwright_derive::{DaEpoch, DaEpochConfig};
#[cfg(feature = "ethereum")]
use rollwright_evm::genesis::dev_account;

/// Which layer is wanted, and what is not to be as by default.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The layer.
    pub layer: DaChoice,
    /// Namespace or inbox; by default the one that the chain has on this layer,
    /// or one that follows from its name.
    pub address: Option<String>,
    /// Nominal time between the layer's blocks; by default as it makes them.
    pub block_time: Option<Period>,
}

/// A layer as it is now, at the address that the chain would have on it.
#[derive(Debug)]
pub struct Candidate {
    /// What an amendment, or a genesis file, says of it.
    pub config: DaEpochConfig,
    /// Header of the block at `config.start_height`.
    pub first: DaHeader,
    /// True where the network is this chain's own, and nothing costs money.
    pub own: bool,
    /// True where the network was made just now, in the data directory.
    pub made: bool,
    handle: Handle,
}

#[derive(Debug)]
enum Handle {
    Local(LocalDa),
    #[cfg(feature = "celestia")]
    Celestia(CelestiaDa),
    #[cfg(feature = "ethereum")]
    Ethereum(EthereumDa, Option<Anvil>),
}

impl Candidate {
    /// The layer, with a node's limit on each call.
    pub fn layer(&self, project: &Project) -> TimeLimit<BoxDa> {
        project.with_time_limit(match &self.handle {
            Handle::Local(layer) => BoxDa::new(layer.clone()),
            #[cfg(feature = "celestia")]
            Handle::Celestia(layer) => BoxDa::new(layer.clone()),
            #[cfg(feature = "ethereum")]
            Handle::Ethereum(layer, _) => BoxDa::new(layer.clone()),
        })
    }

    /// Who would pay for posting, and what it has, for people; `None` where
    /// posting is free, or nobody is configured who posts.
    pub async fn account(&self) -> Result<Option<Account>, ProjectError> {
        Ok(match &self.handle {
            Handle::Local(_) => None,
            #[cfg(feature = "celestia")]
            Handle::Celestia(layer) => Some(Account {
                address: layer.address().await?,
                balance: layer.balance().await?.into(),
                unit: "utia",
            }),
            #[cfg(feature = "ethereum")]
            Handle::Ethereum(layer, _) => {
                layer.account().await?.map(|(address, balance)| Account {
                    address: address.to_string(),
                    balance,
                    unit: "wei",
                })
            }
        })
    }

    /// Releases files and processes.
    pub async fn close(self, project: &Project) {
        match self.handle {
            Handle::Local(layer) => layer.close().await,
            #[cfg(feature = "celestia")]
            Handle::Celestia(layer) => layer.close(),
            #[cfg(feature = "ethereum")]
            Handle::Ethereum(layer, anvil) => {
                layer.close();
                if let Some(anvil) = anvil {
                    anvil.stop(l1::STOP).await;
                }
            }
        }
        project.celestia.stop().await;
    }
}

/// Who pays for posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its address on the layer.
    pub address: String,
    /// What it has, in `unit`.
    pub balance: u128,
    /// The layer's smallest unit.
    pub unit: &'static str,
}

impl Project {
    /// Looks at a layer by what `[da]` says of it. Where it says nothing, and
    /// the chain is on networks of its own alone, a network of its own is made
    /// in the data directory; one that another attempt left is set aside.
    ///
    /// With `present`, it is looked at as the chain has it in its last epoch on
    /// that layer, if there is one.
    pub async fn candidate(
        &self,
        wanted: &Wanted,
        present: bool,
    ) -> Result<Candidate, ProjectError> {
        let known = self
            .epochs()
            .iter()
            .rev()
            .find(|epoch| epoch.config.layer == wanted.layer.layer());
        match (known.filter(|_| present), wanted.layer) {
            (Some(epoch), _) => self.known_candidate(epoch).await,
            (None, DaChoice::Local) => self.local_candidate(wanted).await,
            #[cfg(feature = "celestia")]
            (None, DaChoice::Celestia) => self.celestia_candidate(wanted, known).await,
            #[cfg(feature = "ethereum")]
            (None, DaChoice::Ethereum) => self.ethereum_candidate(wanted).await,
            #[cfg(not(all(feature = "celestia", feature = "ethereum")))]
            (None, layer) => Err(ProjectError::MissingFeature {
                layer: layer.layer(),
                feature: layer.layer(),
            }),
        }
    }

    /// True where each network of the chain is its own, so that anything on it
    /// is free and can be made again.
    #[cfg(any(feature = "celestia", feature = "ethereum"))]
    pub(crate) fn is_own(&self) -> bool {
        self.epochs().iter().all(|epoch| {
            let config = &epoch.config;
            config.layer == "local" || self.is_own_celestia(config) || Self::is_dev_l1(config)
        })
    }

    /// True for an L1 with anvil's chain id: whatever is on it is worth nothing.
    pub(crate) fn is_dev_l1(da: &DaEpochConfig) -> bool {
        da.layer == DaChoice::Ethereum.layer() && da.network.starts_with("31337:")
    }

    /// True for the folder of a stock development chain, whose L1 is anvil.
    #[cfg(feature = "ethereum")]
    pub(crate) fn runs_dev_l1(&self) -> bool {
        let here = self.config.path(std::path::Path::new(""));
        self.data_dir.join("devnet.json").exists()
            && matches!((here.canonicalize(), self.data_dir.canonicalize()), (Ok(a), Ok(b)) if a == b)
            && self.name() == "dev"
    }

    async fn known_candidate(&self, epoch: &DaEpoch) -> Result<Candidate, ProjectError> {
        let mut config = epoch.config.clone();
        let (handle, own) = match DaChoice::of_layer(&config.layer) {
            #[cfg(feature = "celestia")]
            Some(DaChoice::Celestia) => {
                let layer = self.open_celestia(epoch, Use::Read).await?;
                (Handle::Celestia(layer), self.is_own_celestia(&config))
            }
            #[cfg(feature = "ethereum")]
            Some(DaChoice::Ethereum) => {
                let layer = self.open_ethereum_once(epoch).await?;
                (Handle::Ethereum(layer, None), Self::is_dev_l1(&config))
            }
            #[cfg(not(all(feature = "celestia", feature = "ethereum")))]
            Some(layer) if layer != DaChoice::Local => {
                return Err(ProjectError::MissingFeature {
                    layer: layer.layer(),
                    feature: layer.layer(),
                });
            }
            _ => {
                let OpenLocal { layer, .. } = self.open_local(epoch, Use::Read, &[]).await?;
                (Handle::Local(layer), true)
            }
        };
        let (height, first) = newest(&handle).await?;
        config.start_height = height;
        Ok(Candidate {
            config,
            first,
            own,
            made: false,
            handle,
        })
    }

    async fn local_candidate(&self, wanted: &Wanted) -> Result<Candidate, ProjectError> {
        let section = &self.config.values.da.local;
        let address = wanted.address.clone().unwrap_or_else(|| self.short_name());
        let namespace = Namespace::new(&address)?;
        let epoch = self.epochs().len();
        let other = self
            .epochs()
            .iter()
            .any(|epoch| epoch.config.layer == "local");
        let suffix = match (other, self.is_started()) {
            (true, true) => format!("-{epoch}"),
            _ => String::new(),
        };
        let layer = match &section.url {
            Some(url) => {
                let url = format!("{url}{suffix}");
                let config = rollwright_da_local::RemoteConfig::new(url, namespace);
                LocalDa::connect(config).await?
            }
            None => {
                let mut path = self.config.path(&section.path).into_os_string();
                path.push(&suffix);
                files::set_aside(std::path::Path::new(&path))?;
                let blocks = BlockProduction::Every(section.block_time.0);
                let config = local_config(section, path.into(), namespace, None, blocks)?;
                let layer = LocalDa::open(
                    LocalDaConfig {
                        create: true,
                        ..config
                    },
                    self.clock(),
                )?;
                layer.seal().await?;
                layer
            }
        };
        let network = layer.caps().network;
        let made = section.url.is_none();
        let block_time = wanted.block_time.unwrap_or(section.block_time);
        let handle = Handle::Local(layer);
        let (start_height, first) = newest(&handle).await?;
        Ok(Candidate {
            config: DaEpochConfig {
                layer: DaChoice::Local.layer().to_owned(),
                network,
                address,
                forced_address: None,
                posters: Vec::new(),
                start_height,
                block_time_ms: block_time.as_millis(),
            },
            first,
            own: true,
            made,
            handle,
        })
    }

    #[cfg(feature = "celestia")]
    async fn celestia_candidate(
        &self,
        wanted: &Wanted,
        known: Option<&DaEpoch>,
    ) -> Result<Candidate, ProjectError> {
        let section = &self.config.values.da.celestia;
        let embedded = section.rpc.0.is_empty();
        let (network, start_height, block_time_ms) = if !embedded {
            let found = self.celestia_now().await?;
            (found.network, found.height, found.block_time_ms)
        } else if let Some(known) = known {
            let config = &known.config;
            (
                config.network.clone(),
                config.start_height,
                config.block_time_ms,
            )
        } else {
            self.refuse_to_make(
                "da.celestia.rpc",
                "a Celestia node, such as \"http://127.0.0.1:26658\"",
            )?;
            files::make_dir(&self.data_dir)?;
            let (network, first) = celestia::create_devnet(&self.data_dir, self.clock()).await?;
            (network, first.height, section.block_time.as_millis())
        };
        let address = wanted
            .address
            .clone()
            .or_else(|| known.map(|known| known.config.address.clone()))
            .unwrap_or_else(|| self.short_name());
        let config = DaEpochConfig {
            layer: DaChoice::Celestia.layer().to_owned(),
            network,
            address,
            forced_address: None,
            posters: Vec::new(),
            start_height,
            block_time_ms: wanted
                .block_time
                .map_or(block_time_ms, |time| time.as_millis()),
        };
        let epoch = self.next_epoch(config);
        let layer = self.open_celestia(&epoch, Use::Check).await?;
        let handle = Handle::Celestia(layer);
        let (height, first) = newest(&handle).await?;
        Ok(Candidate {
            own: self.is_own_celestia(&epoch.config),
            config: DaEpochConfig {
                start_height: height,
                ..epoch.config
            },
            first,
            made: embedded && known.is_none(),
            handle,
        })
    }

    #[cfg(feature = "ethereum")]
    async fn ethereum_candidate(&self, wanted: &Wanted) -> Result<Candidate, ProjectError> {
        let section = &self.config.values.da.ethereum;
        let mut project = self.clone();
        let mut anvil = None;
        let mut block_time = section.slot_time;
        if section.rpc.0.is_empty() {
            if !self.runs_dev_l1() {
                self.refuse_to_make(
                    "da.ethereum.rpc",
                    "an execution node, and a beacon node in `da.ethereum.beacon`",
                )?;
                return Err(SwitchError::NoEndpoint {
                    key: "da.ethereum.rpc",
                    what: "an execution node, and a beacon node in `da.ethereum.beacon`",
                }
                .into());
            }
            block_time = self.config.values.da.local.block_time;
            let l1 = l1::start_dev_l1(&self.data_dir, block_time.0).await?;
            l1::leave_dev_key(&self.data_dir)?;
            project = project.with_dev_l1(&l1.url(), block_time);
            anvil = Some(l1);
        }
        let url = match project.config.values.da.ethereum.rpc.0.first() {
            Some(Endpoint::Address(url)) => url.clone(),
            Some(source) => source.read("da.ethereum.rpc", &self.config.base)?,
            None => String::new(),
        };
        let (network, head) = l1::l1_now(&url, self.clock()).await?;
        let address = wanted
            .address
            .clone()
            .unwrap_or_else(|| inbox_of(self.chain_id(), &self.short_name()).to_string());
        let config = DaEpochConfig {
            layer: DaChoice::Ethereum.layer().to_owned(),
            network,
            address,
            forced_address: None,
            posters: Vec::new(),
            start_height: head.height,
            block_time_ms: wanted.block_time.unwrap_or(block_time).as_millis(),
        };
        let epoch = self.next_epoch(config);
        let layer = project.open_ethereum_once(&epoch).await?;
        Ok(Candidate {
            own: Self::is_dev_l1(&epoch.config),
            config: epoch.config,
            first: head,
            made: anvil.is_some(),
            handle: Handle::Ethereum(layer, anvil),
        })
    }

    /// An epoch behind the last one.
    #[cfg(any(feature = "celestia", feature = "ethereum"))]
    fn next_epoch(&self, config: DaEpochConfig) -> DaEpoch {
        DaEpoch {
            index: u32::try_from(self.epochs().len()).unwrap_or(u32::MAX),
            begins: Default::default(),
            config,
        }
    }

    /// Networks are made up for development chains alone.
    #[cfg(any(feature = "celestia", feature = "ethereum"))]
    fn refuse_to_make(&self, key: &'static str, what: &'static str) -> Result<(), ProjectError> {
        if self.is_own() {
            return Ok(());
        }
        Err(SwitchError::NoEndpoint { key, what }.into())
    }

    /// The chain's name as a namespace: what it has already where that is one,
    /// else at most ten letters and digits of its name.
    fn short_name(&self) -> String {
        let before = &self.rollup().da.address;
        if (1..=10).contains(&before.len()) && !before.starts_with("0x") {
            return before.clone();
        }
        let letters = self.name().chars().filter(char::is_ascii_alphanumeric);
        let name: String = letters.take(10).collect();
        if name.is_empty() {
            "rollup".to_owned()
        } else {
            name
        }
    }

    /// True where the data directory holds a chain.
    pub fn is_started(&self) -> bool {
        self.state_dir().exists()
    }
}

async fn newest(handle: &Handle) -> Result<(DaHeight, DaHeader), ProjectError> {
    Ok(match handle {
        Handle::Local(layer) => {
            let height = layer.head().await?.observed.height;
            (height, layer.header(height).await?)
        }
        #[cfg(feature = "celestia")]
        Handle::Celestia(layer) => {
            let height = layer.head().await?.observed.height;
            (height, layer.header(height).await?)
        }
        #[cfg(feature = "ethereum")]
        Handle::Ethereum(layer, _) => {
            let height = layer.head().await?.observed.height;
            (height, layer.header(height).await?)
        }
    })
}

/// The key of the account that posts to a development L1.
#[cfg(feature = "ethereum")]
pub(crate) fn dev_l1_key() -> String {
    dev_account(0)
        .map(|account| account.key)
        .unwrap_or_default()
        .to_string()
}
