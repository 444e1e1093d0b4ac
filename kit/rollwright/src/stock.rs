//! The rollup that the `rollwright` command runs, and that generated projects
//! start from: Ethereum's execution on the DA layer of `rollup.toml`.

use crate::{
    Project, ProjectError, StartError,
    builder::{Builder, Given, Missing},
    config::HistorySetting,
    serve::Serves,
};
use rollwright_core::{
    NodeApi, Rollup,
    boxed::BoxDa,
    memory::{NoMessaging, Sovereign},
};
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine, Location},
    precompile::Precompile,
    rpc::{EthConfig, eth_module},
    store::{History, StoreOptions},
};
use std::{path::Path, sync::Arc};

/// Ethereum's execution, a DA layer chosen at run time, no settlement chain,
/// no messages.
#[derive(Clone, Copy, Debug)]
pub struct Stock;

impl Rollup for Stock {
    type Execution = EvmEngine;
    type Da = BoxDa;
    type Settlement = Sovereign;
    type Messaging = NoMessaging;
}

impl Stock {
    /// A builder with the execution and DA layers of a project.
    pub async fn builder(
        project: &Project,
    ) -> Result<Builder<Self, Given<EvmEngine>, Given<BoxDa>, Missing, Missing>, ProjectError> {
        // The DA layers first: a state without its DA layer is refused.
        let (da, later) = (project.da().await?, project.later_da().await?);
        let builder = Builder::new(project).da(da).continue_on(later);
        Ok(builder.execution(project.evm()?))
    }
}

impl Project {
    /// Opens the EVM module's engine in the data directory; its store is
    /// filled with the genesis state the first time.
    pub fn evm(&self) -> Result<EvmEngine, ProjectError> {
        self.evm_with(&[])
    }

    /// As [`evm`](Self::evm), with precompiles that this program has beside
    /// Ethereum's. The chain uses those that `config.rollwright.precompiles`
    /// names; refused (RW-EVM-006) where one of them is missing.
    pub fn evm_with(&self, precompiles: &[Precompile]) -> Result<EvmEngine, ProjectError> {
        self.is_fresh();
        self.open_evm(&self.state_dir(), precompiles)
    }

    pub(crate) fn evm_at(&self, path: &Path) -> Result<EvmEngine, ProjectError> {
        self.open_evm(path, &[])
    }

    fn open_evm(&self, path: &Path, own: &[Precompile]) -> Result<EvmEngine, ProjectError> {
        let execution = &self.config.values.execution;
        let history = match execution.history {
            HistorySetting::Archive => History::Archive,
            HistorySetting::Blocks(blocks) => History::Last(blocks),
        };
        let memory = usize::try_from(execution.memory.0).unwrap_or(usize::MAX);
        let (store, options) = StoreOptions::within(memory);
        let engine = EvmEngine::open(EvmConfig {
            location: Location::Directory {
                path: path.to_owned(),
                options,
            },
            store: StoreOptions { history, ..store },
            precompiles: own.to_vec(),
            ..EvmConfig::in_memory(Arc::clone(&self.genesis))
        })?;
        self.found_rollup_id(engine.genesis_block().rollup_id())?;
        Ok(engine)
    }
}

impl Serves for EvmEngine {
    fn methods(
        &self,
        node: Arc<dyn NodeApi>,
        project: &Project,
    ) -> Result<rollwright_rpc::Methods, StartError> {
        let dev_keys = if project.dev {
            let accounts = project.dev_accounts();
            accounts.iter().map(|account| account.key).collect()
        } else {
            Vec::new()
        };
        let rpc = &project.config.values.rpc;
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let config = EthConfig {
            dev_keys,
            max_logs: size(rpc.max_logs),
            max_log_blocks: rpc.max_log_blocks,
            call_gas_cap: rpc.call_gas,
            call_timeout: rpc.call_timeout.0,
            max_filters: size(rpc.max_filters),
            ..EthConfig::default()
        };
        Ok(eth_module(self, node, config)?)
    }
}
