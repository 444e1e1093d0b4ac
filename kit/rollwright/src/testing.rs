//! Help for tests of a rollup in one process: transfers, balances, waiting.
//! Nothing here belongs on a live chain.

use crate::{Project, ProjectError, Running, StartError, config::Layers};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxReceipt, crypto::secp256k1};
use alloy_eips::eip2718::Encodable2718;
use futures_util::StreamExt;
use rollwright_core::{Address, B256, BlockId, BlockRef, Bytes, Rollup, SubmitError, U256};
use rollwright_evm::{engine::EvmEngine, genesis::dev_account, store::StoreError};
use std::{fs, io, path::Path, time::Duration};

/// Longest wait of every function here.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Why a test's step failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// The node refused a transaction.
    #[error("the transaction was refused: {0}")]
    Refused(#[from] SubmitError),
    /// The state could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node failed.
    #[error(transparent)]
    Node(#[from] StartError),
    /// Signing failed.
    #[error("account {0} has no key")]
    NoKey(u32),
    /// What was waited for did not happen.
    #[error("waited {PATIENCE:?} for {0}")]
    Deadline(&'static str),
    /// The node stopped meanwhile.
    #[error("the node stopped while {0} was waited for")]
    Stopped(&'static str),
}

/// What became of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Transaction hash.
    pub hash: B256,
    /// The block that holds it.
    pub block: BlockRef,
    /// True where it succeeded.
    pub success: bool,
}

/// A scratch folder with copies of a project's configuration, genesis file and
/// keys, so that a test leaves the project's own data alone.
pub fn scratch_copy(project: impl AsRef<Path>) -> io::Result<tempfile::TempDir> {
    let scratch = tempfile::tempdir()?;
    for name in ["rollup.toml", "genesis.json"] {
        fs::copy(project.as_ref().join(name), scratch.path().join(name))?;
    }
    let keys = project.as_ref().join("keys");
    if keys.is_dir() {
        fs::create_dir(scratch.path().join("keys"))?;
        for entry in fs::read_dir(keys)? {
            let entry = entry?;
            // Copying keeps the permissions, on which reading a key insists.
            fs::copy(
                entry.path(),
                scratch.path().join("keys").join(entry.file_name()),
            )?;
        }
    } else {
        give_key(scratch.path())?;
    }
    Ok(scratch)
}

/// The project of a [`scratch_copy`], as a chain that begins on the local DA
/// layer, whatever layer its configuration names: no funds, no network.
pub async fn on_local_da(copy: impl AsRef<Path>) -> Result<Project, ProjectError> {
    let config = Layers {
        environment: false,
        flags: vec![("da.use".to_owned(), "local".into())],
        ..Layers::file(copy.as_ref().join("rollup.toml"))
    }
    .load()?;
    Project::begin_on_used_layer(&config).await?;
    Project::from_config(config)
}

/// A key for a copy without one (keys are not committed), and its address in
/// the copy's key schedule.
fn give_key(folder: &Path) -> io::Result<()> {
    let key = B256::random();
    let address = crate::dev::parse_key(&key.to_string())
        .map_err(io::Error::other)?
        .address();
    crate::files::make_dir(&folder.join("keys")).map_err(io::Error::other)?;
    crate::files::write_private(&folder.join("keys/sequencer.key"), &key.to_string())
        .map_err(io::Error::other)?;
    let path = folder.join("genesis.json");
    let mut genesis: serde_json::Value = serde_json::from_slice(&fs::read(&path)?)?;
    let scheduled = genesis
        .pointer_mut("/config/rollwright/keys/0/keys")
        .ok_or_else(|| io::Error::other("genesis.json has no config.rollwright.keys[0].keys"))?;
    *scheduled = serde_json::json!([address]);
    fs::write(path, genesis.to_string())
}

/// A signed transfer of `value` wei from development account `from`.
pub fn signed_transfer(
    chain_id: u64,
    from: u32,
    nonce: u64,
    to: Address,
    value: U256,
) -> Result<Bytes, TestError> {
    let account = dev_account(from).ok_or(TestError::NoKey(from))?;
    let transaction = TxEip1559 {
        chain_id,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: to.into(),
        value,
        ..TxEip1559::default()
    };
    let signature = secp256k1::sign_message(account.key, transaction.signature_hash())
        .map_err(|_| TestError::NoKey(from))?;
    let envelope: TxEnvelope = transaction.into_signed(signature).into();
    Ok(envelope.encoded_2718().into())
}

/// Sends a transfer from development account `from` and waits for its block.
pub async fn transfer<R>(
    node: &Running<R>,
    from: u32,
    to: Address,
    value: U256,
) -> Result<Receipt, TestError>
where
    R: Rollup<Execution = EvmEngine>,
{
    let api = node.api();
    let sender = dev_account(from).ok_or(TestError::NoKey(from))?.address;
    let store = node.layers().execution.store();
    let nonce = match api.pool_nonce(&sender) {
        Some(nonce) => nonce,
        None => store
            .state_at(&api.heads().latest)?
            .account(sender)?
            .map_or(0, |account| account.nonce),
    };
    let mut events = api.events();
    let hash = api
        .submit(signed_transfer(
            node.project().chain_id(),
            from,
            nonce,
            to,
            value,
        )?)
        .await?;
    let found = async {
        loop {
            if let Some(location) = store.transaction(&hash)? {
                let block = store
                    .block(BlockId::Number(location.number))?
                    .ok_or(TestError::Stopped("a receipt"))?;
                let success = block
                    .receipts
                    .get(location.index as usize)
                    .is_some_and(TxReceipt::status);
                return Ok(Receipt {
                    hash,
                    block: block.record.block,
                    success,
                });
            }
            if events.next().await.is_none() {
                return Err(TestError::Stopped("a transfer's block"));
            }
        }
    };
    tokio::time::timeout(PATIENCE, found)
        .await
        .map_err(|_| TestError::Deadline("a transfer's block"))?
}

/// The balance of an account at the latest block, in wei.
pub fn balance<R>(node: &Running<R>, address: Address) -> Result<U256, TestError>
where
    R: Rollup<Execution = EvmEngine>,
{
    let state = node
        .layers()
        .execution
        .store()
        .state_at(&node.api().heads().latest)?;
    Ok(state
        .account(address)?
        .map_or(U256::ZERO, |account| account.balance))
}

/// Waits until a block is derived from DA: posted, and read back.
pub async fn wait_until_safe<R: Rollup>(
    node: &Running<R>,
    block: BlockRef,
) -> Result<(), TestError> {
    let api = node.api();
    let mut events = api.events();
    let safe = async {
        while api.heads().safe.number < block.number {
            if events.next().await.is_none() {
                return Err(TestError::Stopped("the safe head"));
            }
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, safe)
        .await
        .map_err(|_| TestError::Deadline("the safe head"))?
}
