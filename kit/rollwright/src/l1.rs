//! Ethereum blobs as a project's DA layer.

use crate::{
    Project, ProjectError,
    config::{
        BlockIdSetting, CalldataSetting, DaChoice, Endpoint, Endpoints, EthereumDaSection, Period,
        Secret, SidecarSetting,
    },
};
use rollwright_core::{B256, Clock, DaHeader, DataAvailability};
use rollwright_da_ethereum::{
    AnvilConfig, BlockIdForm, EthereumDa, EthereumDaConfig, Inbox, Signer, fees::FeeLimits,
    inbox_of, kzg::SidecarForm,
};
use rollwright_derive::DaEpoch;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub(crate) use rollwright_da_ethereum::Anvil;

/// How long a development L1 may take to write its state.
pub(crate) const STOP: Duration = Duration::from_secs(10);

/// A development L1 that runs as long as the project's node.
#[derive(Clone, Debug, Default)]
pub(crate) struct DevL1(Arc<Mutex<Option<Anvil>>>);

impl DevL1 {
    pub(crate) fn keep(&self, anvil: Anvil) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(anvil);
    }

    /// Ends it, if one runs.
    pub(crate) async fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(anvil) = running {
            anvil.stop(STOP).await;
        }
    }
}

/// The development L1 of a data directory, on a port of its own, with blocks
/// at this interval. What it made before is there again.
pub(crate) async fn start_dev_l1(
    data_dir: &Path,
    block_time: Duration,
) -> Result<Anvil, ProjectError> {
    let folder = data_dir.join("l1");
    crate::files::make_dir(&folder)?;
    Ok(Anvil::start(&AnvilConfig {
        block_time: Some(block_time),
        state: Some(folder.join("anvil.json")),
        ..AnvilConfig::default()
    })
    .await?)
}

/// The inbox of a chain, as a genesis file spells it.
pub(crate) fn inbox_text(chain_id: u64, name: &str) -> String {
    inbox_of(chain_id, name).to_string()
}

/// Writes the key of the account that posts to a development L1: anvil funds
/// the public test accounts, and its first one posts.
pub(crate) fn leave_dev_key(data_dir: &Path) -> Result<(), ProjectError> {
    let key = crate::switch::dev_l1_key();
    crate::files::write_private(&data_dir.join(DEV_KEY), &format!("{key}\n"))
}

/// File with that key in a data directory.
pub(crate) const DEV_KEY: &str = "l1.key";

/// An L1 as it is now: its network, and its newest height and time.
pub(crate) async fn l1_now(
    url: &str,
    clock: Arc<dyn Clock>,
) -> Result<(String, DaHeader), ProjectError> {
    let url = vec![url.to_owned()];
    let inbox = Inbox::parse(&inbox_of(0, "").to_string(), None, &[])?;
    let config = EthereumDaConfig {
        block_id: BlockIdForm::Number,
        ..EthereumDaConfig::new(url.clone(), url, inbox)
    };
    let da = EthereumDa::connect(config, clock).await?;
    let head = da.head().await?.observed.height;
    Ok((da.caps().network, da.header(head).await?))
}

impl Project {
    /// Opens the L1 of `[da.ethereum]` to read, and to post where `signer` is
    /// set and `posts` is wanted.
    pub(crate) async fn open_ethereum_da(
        &self,
        epoch: &DaEpoch,
        posts: bool,
    ) -> Result<EthereumDa, ProjectError> {
        Ok(EthereumDa::connect(self.ethereum_config(epoch, posts)?, self.clock()).await?)
    }

    /// Opens the L1 for a command that posts once: with the account, where one
    /// is configured, and without the node's journal.
    pub(crate) async fn open_ethereum_once(
        &self,
        epoch: &DaEpoch,
    ) -> Result<EthereumDa, ProjectError> {
        let config = EthereumDaConfig {
            path: None,
            ..self.ethereum_config(epoch, true)?
        };
        Ok(EthereumDa::connect(config, self.clock()).await?)
    }

    /// The project with its own development L1 at `url`.
    #[must_use]
    pub(crate) fn with_dev_l1(mut self, url: &str, slot_time: Period) -> Self {
        let mut config = (*self.config).clone();
        config.values.da.reach(DaChoice::Ethereum, url);
        let section = &mut config.values.da.ethereum;
        section.signer = Some(Secret::File(DEV_KEY.into()));
        section.block_id = BlockIdSetting::Number;
        section.slot_time = slot_time;
        self.config = std::sync::Arc::new(config);
        self
    }

    fn ethereum_config(
        &self,
        epoch: &DaEpoch,
        posts: bool,
    ) -> Result<EthereumDaConfig, ProjectError> {
        let section: &EthereumDaSection = &self.config.values.da.ethereum;
        let da = &epoch.config;
        let inbox = Inbox::parse(&da.address, da.forced_address.as_deref(), &da.posters)?;
        let urls = |key: &str, list: &Endpoints| -> Result<Vec<String>, ProjectError> {
            let base = &self.config.base;
            let read = |endpoint: &Endpoint| endpoint.read(key, base).map_err(ProjectError::from);
            list.0.iter().map(read).collect()
        };
        let signer = match section.signer.as_ref().filter(|_| posts) {
            Some(secret) => Some(parse_signer(
                &secret.read("da.ethereum.signer", &self.config.base)?,
            )?),
            None => None,
        };
        // Whoever only reads keeps no blobs: the file belongs to the node.
        let journal = match epoch.index {
            0 => "journal.redb".to_owned(),
            later => format!("journal-{later}.redb"),
        };
        let path = posts.then(|| self.data_dir.join("l1").join(journal));
        Ok(EthereumDaConfig {
            archive: self.config.values.da.archive.clone(),
            network: Some(da.network.clone()),
            signer,
            sidecar: match section.sidecar {
                SidecarSetting::Eip7594 => SidecarForm::Eip7594,
                SidecarSetting::Eip4844 => SidecarForm::Eip4844,
            },
            block_id: match section.block_id {
                BlockIdSetting::Slot => BlockIdForm::Slot,
                BlockIdSetting::Root => BlockIdForm::Root,
                BlockIdSetting::Number => BlockIdForm::Number,
            },
            slot_time: section.slot_time.0,
            // Two and a half epochs of 32 slots.
            finality: section.slot_time.0.saturating_mul(80),
            confirmations: section.confirmations,
            fees: FeeLimits {
                max_gas_fee: section.max_gas_fee.0,
                max_tip: section.max_tip.0,
                max_blob_fee: section.max_blob_fee.0,
                max_spend_per_day: section.max_spend.0,
                ..FeeLimits::default()
            },
            blobs_per_tx: section.blobs_per_tx,
            calldata_when_cheaper: section.calldata == CalldataSetting::Cheaper,
            keep_blobs: section.keep_blobs.0,
            retention: section.slot_time.0.saturating_mul(4_096 * 32),
            path,
            ..EthereumDaConfig::new(
                urls("da.ethereum.rpc", &section.rpc)?,
                urls("da.ethereum.beacon", &section.beacon)?,
                inbox,
            )
        })
    }
}

/// A posting key from its hex digits. The text appears in no error.
fn parse_signer(text: &str) -> Result<Signer, ProjectError> {
    let secret: B256 = text.trim().parse().map_err(|_| {
        ProjectError::Invalid("the key of `da.ethereum.signer` is not 64 hex digits".to_owned())
    })?;
    Ok(Signer::new(secret)?)
}
