use super::{
    changes::changes, executor::BlockExecutor, rules::invalid, system, transaction::RecoveredTx,
};
use alloc::{format, sync::Arc, vec::Vec};
use alloy_consensus::{ReceiptEnvelope, TxReceipt};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bloom, Bytes};
use alloy_trie::{EMPTY_ROOT_HASH, root::ordered_trie_root_encoded};
use revm::ExecuteEvm;
use rollwright_core::{Anchor, Applied, ApplyError, ForcedOutcome, StateAccess};

/// An executed block with its transactions and receipts as types, so that
/// nobody decodes them again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockOutcome {
    /// What the block did, in bytes.
    pub applied: Applied,
    /// Its transactions, forced ones first.
    pub transactions: Vec<Arc<RecoveredTx>>,
    /// Their receipts, in the same order.
    pub receipts: Vec<ReceiptEnvelope>,
}

impl<S: StateAccess> BlockExecutor<'_, S> {
    /// Makes the calls that come after transactions, commits the block's
    /// changes, and seals the header.
    pub(super) fn seal(
        mut self,
        forced: Vec<ForcedOutcome>,
        anchor: Anchor,
    ) -> Result<BlockOutcome, ApplyError<S::Error>> {
        let mut header = self.header;
        header.requests_hash = system::after(&mut self.evm, self.spec)?;
        header.gas_used = self.gas_used;
        self.size.check(&header).map_err(|length| {
            ApplyError::Invalid(invalid(format!(
                "the block's RLP has {length} bytes, above EIP-7934's limit"
            )))
        })?;
        let journal = self.evm.finalize();
        let db = &mut self.evm.ctx.journaled_state.database;
        if let Some(failure) = db.failure.take() {
            return Err(ApplyError::State(failure));
        }
        let changes = changes(journal, &db.accounts, &db.slots);
        header.state_root = db.state.commit(changes).map_err(ApplyError::State)?;
        let transactions: Vec<Bytes> = self
            .transactions
            .iter()
            .map(|tx| tx.bytes().clone())
            .collect();
        let receipts: Vec<Bytes> = self
            .receipts
            .iter()
            .map(|r| r.encoded_2718().into())
            .collect();
        header.transactions_root = ordered_trie_root_encoded(&transactions);
        header.receipts_root = ordered_trie_root_encoded(&receipts);
        header.logs_bloom = self
            .receipts
            .iter()
            .fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom());
        Ok(BlockOutcome {
            applied: Applied {
                header,
                forced,
                transactions,
                receipts,
                // No message passer is deployed by this version.
                outbox_root: EMPTY_ROOT_HASH,
                mailbox_events: Vec::new(),
                anchor,
                work: self.gas_used,
            },
            transactions: self.transactions,
            receipts: self.receipts,
        })
    }
}
