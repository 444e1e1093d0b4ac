use alloy_consensus::ReceiptEnvelope;
use alloy_trie::EMPTY_ROOT_HASH;
use rollwright_core::{
    Address, B256, BlockEffects, BlockRecord, BlockRef, Bytes, EngineLog, Header,
};

/// A block as it enters the store, with all that execution found out about it
/// so that nobody has to find it out again.
#[derive(Clone, Debug)]
pub struct NewBlock {
    /// The sealed header.
    pub header: Header,
    /// The block as the node sees it; `block.hash` is the header's hash.
    pub record: BlockRecord,
    /// keccak256 of each transaction, forced ones first.
    pub transaction_hashes: Vec<B256>,
    /// Signers, in the same order.
    pub senders: Vec<Address>,
    /// Receipts in the same order, outbox root and mailbox events.
    pub effects: BlockEffects,
}

impl NewBlock {
    /// A genesis block: no parent, no transactions.
    pub fn genesis(header: Header) -> Self {
        let record = BlockRecord {
            block: BlockRef {
                number: header.number,
                hash: header.hash_slow(),
            },
            parent: BlockRef::default(),
            timestamp: header.timestamp,
            fee_recipient: header.beneficiary,
            state_root: header.state_root,
            gas_used: 0,
            anchor: None,
            forced_included: Vec::new(),
            forced: Vec::new(),
            transactions: Vec::new(),
            input_hash: B256::ZERO,
        };
        Self {
            header,
            record,
            transaction_hashes: Vec::new(),
            senders: Vec::new(),
            effects: BlockEffects {
                receipts: Vec::new(),
                outbox_root: EMPTY_ROOT_HASH,
                mailbox_events: Vec::new(),
            },
        }
    }
}

/// A block as the store serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// The sealed header.
    pub header: Header,
    /// The block as the node sees it.
    pub record: BlockRecord,
    /// keccak256 of each transaction, forced ones first.
    pub transaction_hashes: Vec<B256>,
    /// Signers, in the same order.
    pub senders: Vec<Address>,
    /// Decoded receipts, in the same order.
    pub receipts: Vec<ReceiptEnvelope>,
    /// Storage root of the message passer.
    pub outbox_root: B256,
    /// Mailbox events in execution order.
    pub mailbox_events: Vec<EngineLog>,
}

impl StoredBlock {
    /// EIP-2718 transactions in block order: forced ones first.
    pub fn transactions(&self) -> impl ExactSizeIterator<Item = &Bytes> {
        let forced = self.record.forced_included.len();
        (0..forced + self.record.transactions.len()).map(move |index| {
            if index < forced {
                &self.record.forced_included[index]
            } else {
                &self.record.transactions[index - forced]
            }
        })
    }

    /// Bytes that it takes in memory, roughly.
    pub(super) fn memory(&self) -> usize {
        let transactions: usize = self.transactions().map(|bytes| bytes.len() + 128).sum();
        let logs: usize = self
            .receipts
            .iter()
            .flat_map(|receipt| receipt.logs())
            .map(|log| log.data.data.len() + 32 * log.topics().len() + 96)
            .sum();
        1_024 + transactions + logs + self.receipts.len() * 320
    }

    /// The transaction at `index` in block order.
    pub fn transaction(&self, index: usize) -> Option<&Bytes> {
        let forced = &self.record.forced_included;
        match forced.get(index) {
            Some(bytes) => Some(bytes),
            None => self.record.transactions.get(index - forced.len()),
        }
    }
}

/// Where a canonical transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionLocation {
    /// Block number.
    pub number: u64,
    /// Index in the block.
    pub index: u32,
}
