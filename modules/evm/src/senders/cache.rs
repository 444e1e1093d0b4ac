use super::{generations::Generations, recover};
use crate::machine::{Pretended, RecoveredTx, SenderSource, TxEnvelope, TxError};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use parking_lot::Mutex;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rollwright_core::Candidate;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What a decoded transaction takes besides its bytes, which it holds twice.
const DECODED_OVERHEAD: usize = 1_024;

/// Senders and decoded transactions by transaction hash, bounded and shared
/// between threads.
///
/// Only signatures that were recovered enter. A hash names its bytes, and so
/// its signer: an entry is never wrong, it can only be forgotten, and then the
/// signature is recovered again.
#[derive(Debug)]
pub struct SenderCache {
    senders: Generations<Address>,
    decoded: Generations<Arc<RecoveredTx>>,
    impersonates: AtomicBool,
    pretended: Mutex<Pretended>,
}

impl SenderCache {
    /// Remembers about `senders` senders, 60 bytes each, and decoded
    /// transactions of about `decoded_bytes` bytes in all.
    pub fn new(senders: usize, decoded_bytes: usize) -> Self {
        Self {
            senders: Generations::new(senders),
            decoded: Generations::new(decoded_bytes),
            impersonates: AtomicBool::new(false),
            pretended: Mutex::default(),
        }
    }

    /// Takes `sender` for the signer of the transaction with this hash, whoever
    /// signed it, and lets contracts send from now on. For sandboxes: the
    /// answer is lost with the cache, and nobody else agrees.
    #[cfg(feature = "rpc")]
    pub(crate) fn impersonate(&self, hash: B256, sender: Address) {
        self.impersonates.store(true, Ordering::Relaxed);
        self.insert(hash, sender);
    }

    /// What blocks that are built from now on say of themselves. For sandboxes.
    #[cfg(feature = "rpc")]
    pub(crate) fn pretend(&self, what: Pretended) {
        *self.pretended.lock() = what;
    }

    /// The sender of the transaction with this hash, if it is known.
    pub fn get(&self, hash: &B256) -> Option<Address> {
        self.senders.get(hash)
    }

    /// Remembers a sender. The caller has recovered it.
    pub(crate) fn insert(&self, hash: B256, sender: Address) {
        self.senders.insert(hash, sender, 1);
    }

    /// The sender of a decoded transaction, recovered unless it is known.
    pub fn sender_of(&self, transaction: &TxEnvelope) -> Result<Address, TxError> {
        let hash = *transaction.tx_hash();
        if let Some(sender) = self.get(&hash) {
            return Ok(sender);
        }
        let sender = recover(transaction.signature(), transaction.signature_hash())?;
        self.insert(hash, sender);
        Ok(sender)
    }

    /// Remembers a transaction that somebody has decoded already, and
    /// recovers its sender unless it is known. `bytes` is its encoding.
    pub(crate) fn admit(
        &self,
        envelope: TxEnvelope,
        bytes: &Bytes,
    ) -> Result<Arc<RecoveredTx>, TxError> {
        let hash = *envelope.tx_hash();
        if let Some(known) = self.decoded.get(&hash) {
            return Ok(known);
        }
        let sender = self.sender_of(&envelope)?;
        let tx = Arc::new(RecoveredTx::from_parts(envelope, sender, bytes.clone()));
        let weight = DECODED_OVERHEAD + 2 * bytes.len();
        self.decoded.insert(hash, tx.clone(), weight);
        Ok(tx)
    }

    /// Decodes transactions and recovers their senders on all cores, where
    /// that was not done before. Those that cannot be decoded are left alone:
    /// whoever executes them says why.
    pub fn decode_all(&self, transactions: &[&Bytes]) {
        transactions.par_iter().with_min_len(4).for_each(|bytes| {
            if !self.decoded.contains(&keccak256(bytes)) {
                // A failure is found again, and reported, by execution.
                let _ = self.decode(bytes);
            }
        });
    }

    fn decode(&self, bytes: &Bytes) -> Result<Arc<RecoveredTx>, TxError> {
        self.admit(RecoveredTx::envelope_of(bytes)?, bytes)
    }

    /// Number of senders that are remembered.
    pub fn len(&self) -> usize {
        self.senders.len()
    }

    /// True where nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of decoded transactions that are remembered.
    pub fn decoded(&self) -> usize {
        self.decoded.len()
    }
}

impl Default for SenderCache {
    /// 262,144 senders, about 16 MB, and 64 MB of decoded transactions.
    fn default() -> Self {
        Self::new(1 << 18, 64 << 20)
    }
}

impl SenderSource for SenderCache {
    fn recovered(&self, bytes: &Bytes) -> Result<Arc<RecoveredTx>, TxError> {
        match self.decoded.get(&keccak256(bytes)) {
            Some(known) => Ok(known),
            None => self.decode(bytes),
        }
    }

    fn candidate(&self, candidate: &Candidate) -> Result<Arc<RecoveredTx>, TxError> {
        match self.decoded.get(&candidate.hash) {
            // The pool's word is not taken for the bytes.
            Some(known) if known.bytes() == &candidate.bytes => Ok(known),
            _ => self.recovered(&candidate.bytes),
        }
    }

    fn impersonates(&self) -> bool {
        self.impersonates.load(Ordering::Relaxed)
    }

    fn pretended(&self) -> Pretended {
        *self.pretended.lock()
    }
}
