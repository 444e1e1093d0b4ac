use super::{TransactionError, recover};
use alloy_consensus::TxEnvelope;
use alloy_primitives::{Address, B256, Bytes, keccak256, map::B256Map};
use parking_lot::Mutex;

/// Number of independently locked parts; a power of two.
const SHARDS: usize = 16;

/// Senders by transaction hash, bounded and shared between threads.
///
/// Only signatures that were recovered enter. A hash names its bytes, and so
/// its signer: an entry is never wrong, it can only be forgotten. Each shard
/// keeps two generations and drops the older one when the younger is full, so
/// entries in use survive.
#[derive(Debug)]
pub struct SenderCache {
    shards: [Mutex<Generations>; SHARDS],
    generation: usize,
}

#[derive(Debug, Default)]
struct Generations {
    young: B256Map<Address>,
    old: B256Map<Address>,
}

impl SenderCache {
    /// Remembers at least `capacity / 2` and at most `capacity` senders, of
    /// about 60 bytes each.
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: core::array::from_fn(|_| Mutex::default()),
            generation: (capacity / (2 * SHARDS)).max(1),
        }
    }

    fn shard(&self, hash: &B256) -> &Mutex<Generations> {
        &self.shards[usize::from(hash[0]) % SHARDS]
    }

    /// The sender of the transaction with this hash, if it is known.
    pub fn get(&self, hash: &B256) -> Option<Address> {
        let mut shard = self.shard(hash).lock();
        if let Some(sender) = shard.young.get(hash) {
            return Some(*sender);
        }
        let sender = shard.old.remove(hash)?;
        shard.insert(*hash, sender, self.generation);
        Some(sender)
    }

    /// Remembers a sender. The caller has recovered it.
    pub(crate) fn insert(&self, hash: B256, sender: Address) {
        let mut shard = self.shard(&hash).lock();
        shard.insert(hash, sender, self.generation);
    }

    /// The sender of a decoded transaction, recovered at most once.
    pub fn sender_of(&self, transaction: &TxEnvelope) -> Result<Address, TransactionError> {
        let hash = *transaction.tx_hash();
        if let Some(sender) = self.get(&hash) {
            return Ok(sender);
        }
        let sender = recover(transaction.signature(), transaction.signature_hash())?;
        self.insert(hash, sender);
        Ok(sender)
    }

    /// Recovers the senders of encoded transactions on all cores, where they
    /// are not known yet. Those that cannot be decoded are left alone:
    /// whoever executes them says why.
    pub fn recover_all(&self, transactions: &[Bytes]) {
        use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
        transactions.par_iter().with_min_len(4).for_each(|bytes| {
            if self.get(&keccak256(bytes)).is_none()
                && let Ok(transaction) = super::decode_canonical(bytes)
            {
                // A signature that does not recover is refused on execution.
                let _ = self.sender_of(&transaction);
            }
        });
    }

    /// Number of senders that are remembered.
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                let shard = shard.lock();
                shard.young.len() + shard.old.len()
            })
            .sum()
    }

    /// True where nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for SenderCache {
    /// 262,144 senders, about 16 MB.
    fn default() -> Self {
        Self::new(1 << 18)
    }
}

impl Generations {
    fn insert(&mut self, hash: B256, sender: Address, capacity: usize) {
        if self.young.len() >= capacity {
            self.old = core::mem::take(&mut self.young);
        }
        self.young.insert(hash, sender);
    }
}
