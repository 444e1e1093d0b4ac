//! Opens the DA layers of a project: one for each of its DA epochs.

use crate::{
    Project, ProjectError,
    config::{DaChoice, LocalDaSection},
};
use rollwright_core::{Role, boxed::BoxDa, decorators::TimeLimit};
use rollwright_da_local::{
    BlockProduction, Faults, LocalDa, LocalDaConfig, Namespace, NetworkId, RemoteConfig,
};
use rollwright_derive::{DaEpoch, DaEpochConfig};
use rollwright_node::DaLayers;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// Who opens a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The node: it keeps journals, and embedded layers make blocks.
    Node,
    /// A command: it leaves nothing behind, and embedded layers stand still.
    Read,
    /// A command that posts once: as [`Read`](Self::Read), and embedded layers
    /// make blocks meanwhile.
    #[cfg_attr(
        not(feature = "celestia"),
        expect(dead_code, reason = "only Celestia's devnet has such a user")
    )]
    Check,
}

/// The layers of a chain's DA epochs, from the first on, as far as they can be
/// opened here.
#[derive(Debug)]
pub struct OpenedLayers {
    /// One for each epoch; the first is always there.
    pub layers: Vec<BoxDa>,
    /// Why the next epoch's is not: a setting that is missing. The node works
    /// until derivation gets there.
    pub missing: Option<ProjectError>,
}

impl OpenedLayers {
    /// Each with the time limit of a node.
    pub fn limited(self, project: &Project) -> Result<DaLayers<TimeLimit<BoxDa>>, ProjectError> {
        let limit = |layer| project.with_time_limit(layer);
        let mut layers = self.layers.into_iter().map(limit);
        let first = layers.next();
        match first {
            Some(first) => Ok(DaLayers::new(first, layers)),
            // The first one is always opened.
            None => Err(ProjectError::Invalid(
                "the chain has no DA layer".to_owned(),
            )),
        }
    }
}

/// An embedded local layer whose blocks this process makes.
#[derive(Clone, Debug)]
pub(crate) struct OpenLocal {
    network: String,
    /// Where it is served, after `/da`.
    pub(crate) suffix: String,
    pub(crate) layer: LocalDa,
}

/// Those of a project.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenLocals(Arc<Mutex<Vec<OpenLocal>>>);

impl OpenLocals {
    fn with<T>(&self, change: impl FnOnce(&mut Vec<OpenLocal>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Each layer once.
    pub(crate) fn all(&self) -> Vec<OpenLocal> {
        self.with(|all| all.clone())
    }
}

/// Finds a handle on a local layer that one call opened before: a file has one
/// user at a time.
fn again(opened: &[OpenLocal], network: &str, namespace: Namespace) -> Option<LocalDa> {
    let known = opened.iter().find(|open| open.network == network)?;
    Some(known.layer.for_namespace(namespace))
}

impl Project {
    /// Opens the layer of the chain's first DA epoch, to read and to post.
    pub async fn da(&self) -> Result<BoxDa, ProjectError> {
        let mut locals = self.locals.all();
        let first = self.open_epoch(self.first_epoch(), Use::Node, &mut locals);
        let layer = first.await?;
        self.locals.with(|all| *all = locals);
        Ok(layer)
    }

    /// Opens the layers of the later DA epochs, in order, to read and to post;
    /// none for a chain without amendments that begin one.
    ///
    /// Ends at an epoch whose settings are missing here, and warns of it: the
    /// node fails with `RW-NODE-011` once derivation gets there. A layer that
    /// cannot be reached for the moment is an error.
    pub async fn later_da(&self) -> Result<Vec<BoxDa>, ProjectError> {
        let mut locals = self.locals.all();
        let opened = self.open_from(1, Use::Node, &mut locals).await;
        self.locals.with(|all| *all = locals);
        let OpenedLayers { layers, missing } = opened?;
        if let Some(missing) = missing {
            tracing::warn!(
                target: "da",
                epoch = layers.len() + 1,
                "the chain's next DA layer is not configured here: {missing}"
            );
        }
        Ok(layers)
    }

    /// The layers of all DA epochs for a command that only reads them, as far
    /// as they are configured here.
    pub async fn read_layers(&self) -> Result<OpenedLayers, ProjectError> {
        let mut locals = Vec::new();
        let first = self
            .open_epoch(self.first_epoch(), Use::Read, &mut locals)
            .await?;
        let mut opened = self.open_from(1, Use::Read, &mut locals).await?;
        opened.layers.insert(0, first);
        Ok(opened)
    }

    /// The layer of one DA epoch, for a command that only reads it.
    pub async fn read_epoch(&self, index: u32) -> Result<BoxDa, ProjectError> {
        let epoch = self
            .epochs()
            .get(index as usize)
            .ok_or_else(|| ProjectError::Invalid(format!("the chain has no DA epoch {index}")))?;
        self.open_epoch(epoch, Use::Read, &mut Vec::new()).await
    }

    /// The first DA epoch's local layer for a command that reads it, or posts
    /// to it once: the process that serves it, or the file, to which it adds no
    /// blocks by time.
    pub async fn read_local_da(&self) -> Result<LocalDa, ProjectError> {
        self.open_local(self.first_epoch(), Use::Read, &[])
            .await
            .map(|open| open.layer)
    }

    /// A layer with the limit of `da.timeout` on each call, as a node has it.
    pub fn with_time_limit<D>(&self, layer: D) -> TimeLimit<D> {
        TimeLimit::new(layer, self.clock(), self.config.values.da.timeout.0)
    }

    /// The first embedded local layer that was opened by [`da`](Self::da) and
    /// lives in this process.
    pub fn local_da(&self) -> Option<LocalDa> {
        let first = self.locals.with(|all| all.first().cloned());
        first.map(|open| open.layer)
    }

    fn first_epoch(&self) -> &DaEpoch {
        // Never empty: the first one is genesis'.
        &self.epochs()[0]
    }

    /// Opens the layers from an epoch on.
    async fn open_from(
        &self,
        from: usize,
        how: Use,
        locals: &mut Vec<OpenLocal>,
    ) -> Result<OpenedLayers, ProjectError> {
        let mut opened = OpenedLayers {
            layers: Vec::new(),
            missing: None,
        };
        for epoch in self.epochs().iter().skip(from) {
            match self.open_epoch(epoch, how, locals).await {
                Ok(layer) => opened.layers.push(layer),
                Err(error) if !rollwright_core::LayerError::is_retryable(&error) => {
                    opened.missing = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(opened)
    }

    async fn open_epoch(
        &self,
        epoch: &DaEpoch,
        how: Use,
        locals: &mut Vec<OpenLocal>,
    ) -> Result<BoxDa, ProjectError> {
        match DaChoice::of_layer(&epoch.config.layer) {
            Some(DaChoice::Local) => {
                let open = self.open_local(epoch, how, locals).await?;
                let layer = BoxDa::new(open.layer.clone());
                let known = locals.iter().any(|known| known.network == open.network);
                if !known && self.config.values.da.local.url.is_none() {
                    locals.push(open);
                }
                Ok(layer)
            }
            Some(DaChoice::Celestia) => Ok(BoxDa::new(self.open_celestia(epoch, how).await?)),
            Some(DaChoice::Ethereum) => {
                let posts = how == Use::Node && self.role == Role::Sequencer;
                Ok(BoxDa::new(self.open_ethereum_da(epoch, posts).await?))
            }
            None => Err(ProjectError::Invalid(format!(
                "the chain is on the DA layer `{}` in DA epoch {}, which this binary does not know; it has local, celestia and ethereum",
                epoch.config.layer, epoch.index
            ))),
        }
    }

    /// What distinguishes the file and the address of a local layer from those
    /// of the first local network: nothing for that one, `-N` for the one that
    /// DA epoch N begins with.
    fn local_suffix(&self, da: &DaEpochConfig) -> String {
        let local = |epoch: &&DaEpoch| epoch.config.layer == DaChoice::Local.layer();
        let mut locals = self.epochs().iter().filter(local);
        let first = locals.clone().next();
        let own = locals.find(|epoch| epoch.config.network == da.network);
        match (first, own) {
            (Some(first), Some(own)) if own.index > first.index => format!("-{}", own.index),
            _ => String::new(),
        }
    }

    /// The file, or the process that serves it. The node makes the blocks of a
    /// file.
    pub(crate) async fn open_local(
        &self,
        epoch: &DaEpoch,
        how: Use,
        opened: &[OpenLocal],
    ) -> Result<OpenLocal, ProjectError> {
        let section = &self.config.values.da.local;
        let da = &epoch.config;
        let namespace = Namespace::new(&da.address)?;
        let network: NetworkId = da.network.parse()?;
        let suffix = self.local_suffix(da);
        let open = |layer| OpenLocal {
            network: da.network.clone(),
            suffix: suffix.clone(),
            layer,
        };
        if let Some(url) = &section.url {
            return Ok(open(
                connect(&format!("{url}{suffix}"), namespace, network).await?,
            ));
        }
        if let Some(layer) = again(opened, &da.network, namespace) {
            return Ok(open(layer));
        }
        let mut path = self.config.path(&section.path).into_os_string();
        path.push(&suffix);
        let path = PathBuf::from(path);
        let blocks = match how {
            Use::Node | Use::Check => BlockProduction::Every(section.block_time.0),
            Use::Read => BlockProduction::Manual(section.block_time.0),
        };
        let config = local_config(section, path, namespace, Some(network), blocks)?;
        if how != Use::Node {
            let config = LocalDaConfig {
                create: false,
                faults: Faults::default(),
                ..config
            };
            return Ok(open(LocalDa::open(config, self.clock())?));
        }
        // An empty layer does not replace the one that holds the chain.
        let create = epoch.index == 0 && self.is_fresh();
        let layer = LocalDa::open(LocalDaConfig { create, ..config }, self.clock())?;
        // A rollup's first block stands on a DA block that has one on top.
        if layer.status().await?.head.height <= da.start_height {
            layer.seal().await?;
        }
        Ok(open(layer))
    }
}

async fn connect(
    url: &str,
    namespace: Namespace,
    network: NetworkId,
) -> Result<LocalDa, ProjectError> {
    let config = RemoteConfig {
        network: Some(network),
        ..RemoteConfig::new(url, namespace)
    };
    Ok(LocalDa::connect(config).await?)
}

/// What `[da.local]` says, as the adapter takes it.
pub(crate) fn local_config(
    section: &LocalDaSection,
    path: PathBuf,
    namespace: Namespace,
    network: Option<NetworkId>,
    blocks: BlockProduction,
) -> Result<LocalDaConfig, ProjectError> {
    Ok(LocalDaConfig {
        path: Some(path),
        network,
        blocks,
        seed: section.seed,
        faults: section.faults.parse::<Faults>()?,
        ..LocalDaConfig::new(namespace)
    })
}
