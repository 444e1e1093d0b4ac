use super::{
    api::EthApi,
    args::{Args, Count},
    error::{Answer, EthError},
    reads,
};
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::TransactionReceipt;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use rollwright_core::SubmitError;
use std::{sync::Arc, time::Duration};

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("eth_sendRawTransaction", |params, api, _| async move {
        let mut args = Args::new(&params);
        let bytes = args.required::<Bytes>()?;
        args.end()?;
        Answer::<B256>::Ok(api.node.submit(bytes).await?)
    })?;
    module.register_async_method("eth_sendRawTransactionSync", |params, api, _| async move {
        let mut args = Args::new(&params);
        let bytes = args.required::<Bytes>()?;
        let timeout = args
            .optional::<Count>()?
            .map(|ms| Duration::from_millis(ms.0));
        args.end()?;
        let timeout = timeout
            .unwrap_or(api.config.sync_timeout)
            .min(api.config.max_sync_timeout);
        submit_and_wait(&api, bytes, timeout).await
    })?;
    Ok(())
}

/// EIP-7966: the receipt, once the transaction is in a block.
async fn submit_and_wait(
    api: &EthApi,
    bytes: Bytes,
    timeout: Duration,
) -> Answer<TransactionReceipt> {
    let mut journal = api.journal.watch();
    let hash = match api.node.submit(bytes).await {
        // Sent again, as after a lost connection: wait for the first.
        Ok(hash) | Err(SubmitError::AlreadyKnown(hash)) => hash,
        Err(error) => return Err(error.into()),
    };
    let included = async {
        loop {
            journal.borrow_and_update();
            if let Some(receipt) = reads::receipt_of(api, &hash)? {
                return Ok(receipt);
            }
            if journal.changed().await.is_err() {
                return Err(EthError::Internal("the node is stopping".into()));
            }
        }
    };
    tokio::time::timeout(timeout, included)
        .await
        .unwrap_or_else(|_| {
            let waited_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            Err(EthError::NotIncluded { hash, waited_ms })
        })
}
