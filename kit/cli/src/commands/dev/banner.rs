use crate::failure::{Failure, file};
use rollwright::{Project, config::BlockTimeSetting, core::DaHead};
use serde::Serialize;
use std::{fmt, net::SocketAddr, path::Path};

/// What a person needs to use a development chain. The same facts stand in
/// `devnet.json` in its data directory.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    name: String,
    version: &'static str,
    chain_id: u64,
    rollup_id: String,
    block_time: String,
    rpc: String,
    web_socket: String,
    metrics: String,
    da: Da,
    settlement: &'static str,
    messaging: &'static str,
    accounts: Vec<Account>,
    data_dir: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Da {
    layer: String,
    network: String,
    namespace: String,
    url: String,
    head: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
struct Account {
    address: String,
    key: String,
}

/// Most accounts that the banner lists.
const LISTED: usize = 10;

impl Facts {
    pub(super) fn new(project: &Project, rpc: SocketAddr, head: Option<DaHead>) -> Self {
        let rollup = project.rollup();
        Self {
            name: project.name().to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            chain_id: project.chain_id(),
            rollup_id: project.rollup_id().to_string(),
            block_time: match project.config().values.chain.block_time {
                BlockTimeSetting::Auto => "auto".to_owned(),
                BlockTimeSetting::Every(period) => period.to_string(),
            },
            rpc: format!("http://{rpc}"),
            web_socket: format!("ws://{rpc}"),
            metrics: format!("http://{rpc}/metrics"),
            da: Da {
                layer: rollup.da.layer.clone(),
                network: rollup.da.network.clone(),
                namespace: rollup.da.address.clone(),
                url: format!("http://{rpc}/da"),
                head: head.map(|head| head.observed.height.0),
            },
            settlement: "none (sovereign)",
            messaging: "none",
            accounts: project
                .dev_accounts()
                .into_iter()
                .map(|account| Account {
                    address: account.address.to_string(),
                    key: account.key.to_string(),
                })
                .collect(),
            data_dir: project.data_dir().display().to_string(),
        }
    }

    /// Writes `devnet.json`.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let path = folder.join("devnet.json");
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        std::fs::write(&path, text + "\n").map_err(|error| file("writing", &path, &error))
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            version,
            chain_id,
            block_time,
            rpc,
            metrics,
            da,
            settlement,
            messaging,
            ..
        } = self;
        writeln!(
            f,
            "{name} {version} · chain {chain_id} · block {block_time}"
        )?;
        writeln!(f, "RPC       {rpc}   Metrics {metrics}")?;
        writeln!(
            f,
            "DA        {} {} · ns {}{}",
            da.layer,
            da.network,
            da.namespace,
            da.head
                .map(|head| format!(" · head {head}"))
                .unwrap_or_default()
        )?;
        writeln!(f, "Settle    {settlement}        IBC  {messaging}")?;
        if !self.accounts.is_empty() {
            writeln!(
                f,
                "Accounts  public test keys, never use them on a live chain"
            )?;
        }
        for (index, account) in self.accounts.iter().take(LISTED).enumerate() {
            writeln!(f, "  ({index}) {}  {}", account.address, account.key)?;
        }
        if self.accounts.len() > LISTED {
            writeln!(
                f,
                "  … {} more in devnet.json",
                self.accounts.len() - LISTED
            )?;
        }
        writeln!(f, "Data      {}", self.data_dir)?;
        write!(f, "Ctrl-C stops")
    }
}
