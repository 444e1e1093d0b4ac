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
    epoch: u32,
    epochs: usize,
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

/// Columns of a line with an account and its key.
const WIDE: usize = 117;

/// The facts for a terminal of some width: no line is longer than 80 columns
/// or the terminal, except for paths and names.
pub(super) struct Banner<'a> {
    pub(super) facts: &'a Facts,
    pub(super) columns: usize,
}

impl Facts {
    /// Where JSON-RPC listens.
    pub(super) fn rpc(&self) -> &str {
        &self.rpc
    }

    /// `epoch`: the DA epoch that the node was in when it started, `head` its
    /// layer's.
    pub(super) fn new(
        project: &Project,
        rpc: SocketAddr,
        epoch: u32,
        head: Option<DaHead>,
    ) -> Self {
        let present = project.epochs().get(epoch as usize);
        let da = present.map_or(&project.rollup().da, |present| &present.config);
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
                epoch,
                epochs: project.epochs().len(),
                layer: da.layer.clone(),
                network: da.network.clone(),
                namespace: da.address.clone(),
                url: project
                    .celestia_devnet_url()
                    .unwrap_or_else(|| format!("http://{rpc}/da")),
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

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts {
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
        } = self.facts;
        writeln!(
            f,
            "{name} {version} · chain {chain_id} ({chain_id:#x}) · block {block_time}"
        )?;
        writeln!(f, "RPC       {rpc}   Metrics {metrics}")?;
        writeln!(
            f,
            "DA        {} {}{} · ns {}{}",
            da.layer,
            da.network,
            if da.epochs > 1 {
                format!(" · epoch {} of {}", da.epoch, da.epochs)
            } else {
                String::new()
            },
            da.namespace,
            da.head
                .map(|head| format!(" · head {head}"))
                .unwrap_or_default()
        )?;
        writeln!(f, "Settle    {settlement}        IBC  {messaging}")?;
        self.accounts(f)?;
        writeln!(f, "Data      {}", self.facts.data_dir)?;
        write!(f, "Ctrl-C stops")
    }
}

impl Banner<'_> {
    fn accounts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = &self.facts.accounts;
        let Some(first) = accounts.first() else {
            return Ok(());
        };
        writeln!(
            f,
            "Accounts  public test keys, never use them on a live chain"
        )?;
        let wide = self.columns >= WIDE;
        for (index, account) in accounts.iter().take(LISTED).enumerate() {
            if wide {
                writeln!(f, "  ({index}) {}  {}", account.address, account.key)?;
            } else {
                writeln!(f, "  ({index}) {}", account.address)?;
            }
        }
        if accounts.len() > LISTED {
            writeln!(f, "  … {} more in devnet.json", accounts.len() - LISTED)?;
        }
        if !wide {
            writeln!(f, "Key of (0) {}", first.key)?;
            if accounts.len() > 1 {
                writeln!(f, "          the others stand in devnet.json below")?;
            }
        }
        Ok(())
    }
}
