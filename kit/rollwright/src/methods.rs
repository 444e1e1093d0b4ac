//! Which JSON-RPC methods a node answers.

use crate::{StartError, sandbox::SandboxOptions};
use rollwright_core::NodeApi;
use rollwright_evm::rpc::{EthConfig, eth_module, sandbox_methods};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

/// Where a method is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Availability {
    /// By every node.
    Everywhere,
    /// By nodes of development chains, which have keys that everybody knows.
    Development,
    /// By `rollwright dev --sandbox` alone.
    Sandbox,
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Everywhere => "everywhere",
            Self::Development => "development chains",
            Self::Sandbox => "`dev --sandbox`",
        })
    }
}

/// A method of the stock node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// Where it is answered.
    pub availability: Availability,
}

/// All methods that the stock node answers, in one setting or another,
/// ascending by name. Call it within a tokio runtime.
pub fn stock() -> Result<Vec<Method>, StartError> {
    let sandbox = SandboxOptions {
        accounts: 1,
        ..SandboxOptions::default()
    }
    .chain(0)?;
    let node: Arc<dyn NodeApi> = Arc::new(sandbox.clone());
    let names = |config| -> Result<BTreeSet<&'static str>, StartError> {
        let methods = eth_module(sandbox.engine(), Arc::clone(&node), config)?;
        let names = rollwright_rpc::method_names(methods, &node)?;
        Ok(names.into_iter().collect())
    };
    let ordinary = names(EthConfig::default())?;
    let development = names(EthConfig {
        dev_keys: crate::dev::accounts(1).iter().map(|a| a.key).collect(),
        ..EthConfig::default()
    })?;
    let only_there: BTreeSet<_> = sandbox_methods().collect();
    let all = ordinary.union(&development);
    Ok(all
        .map(|name| Method {
            name,
            availability: if only_there.contains(name) {
                Availability::Sandbox
            } else if ordinary.contains(name) {
                Availability::Everywhere
            } else {
                Availability::Development
            },
        })
        .collect())
}

/// Why a node did not list its methods.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// It cannot be reached, or did not answer in time.
    #[error("{url} cannot be reached: {source}")]
    Unreachable {
        /// The address.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// What it answered is no list of methods.
    #[error("{url} does not list its methods: it is no node of this kit, or an older one")]
    NoList {
        /// The address.
        url: String,
    },
}

/// Deadline of the question.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Answer {
    result: Listed,
}

#[derive(Deserialize)]
struct Listed {
    methods: Vec<String>,
}

/// The methods that the node at `url` answers, ascending by name.
pub async fn of(url: &str) -> Result<Vec<String>, ListError> {
    let unreachable = |error: reqwest::Error| ListError::Unreachable {
        url: url.to_owned(),
        source: error.without_url(),
    };
    let client = reqwest::Client::builder().timeout(TIMEOUT).build();
    let response = client
        .map_err(unreachable)?
        .post(url)
        .header("content-type", "application/json")
        .body(r#"{"jsonrpc":"2.0","id":1,"method":"rpc_methods","params":[]}"#)
        .send()
        .await
        .map_err(unreachable)?;
    let bytes = response.bytes().await.map_err(unreachable)?;
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| ListError::NoList {
        url: url.to_owned(),
    })?;
    Ok(answer.result.methods)
}
