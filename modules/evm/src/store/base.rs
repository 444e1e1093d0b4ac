//! The committed state, and what all parts of a store share.

use super::{
    History, StateEdits, StoreError, StoreOptions, StoredBlock,
    cache::Caches,
    chain,
    delta::to_borsh,
    kv::{Batch, Column, KeyValue, KvRead},
    tree::Tree,
    version::{Source, Version},
};
use crate::trie::{self, Child, Meter};
use alloy_primitives::{B256, map::B256Map};
use alloy_trie::EMPTY_ROOT_HASH;
use parking_lot::{Mutex, RwLock};
use rollwright_core::{BlockRef, Heads};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The stored format that this release writes and reads.
pub(super) const FORMAT: u32 = 4;

/// Most memory of one block's batch that is kept for the next.
const SPARE_BYTES: usize = 16 << 20;

pub(super) const META_FORMAT: &[u8] = b"format";
pub(super) const META_GENESIS: &[u8] = b"genesis";
pub(super) const META_HEADS: &[u8] = b"heads";
pub(super) const META_OLDEST: &[u8] = b"oldest-state";
/// keccak256 of the genesis allocation, and the state root that it gives.
pub(super) const META_ALLOCATION: &[u8] = b"allocation";
pub(super) const META_IMPORT: &[u8] = b"import";

/// The chain as of one commit. Immutable; readers hold it as long as they like.
#[derive(Debug)]
pub(super) struct Canonical {
    pub(super) genesis: BlockRef,
    pub(super) heads: Heads,
    /// Oldest block whose state is readable.
    pub(super) oldest: u64,
    /// Counts commits that moved the head, since the store was opened.
    pub(super) commit: u64,
    pub(super) snapshot: Arc<dyn KvRead>,
    /// The tries of the latest head: what `snapshot` stores.
    pub(super) version: Arc<Version>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) kv: Arc<dyn KeyValue>,
    pub(super) options: StoreOptions,
    pub(super) meter: Meter,
    pub(super) caches: Caches,
    pub(super) canonical: RwLock<Option<Arc<Canonical>>>,
    pub(super) tree: RwLock<Tree>,
    /// What a sandbox pretends of the states after blocks, by hash.
    pub(super) edits: RwLock<B256Map<Arc<StateEdits>>>,
    /// Storage tries of the latest head that are in memory.
    pub(super) residents: Mutex<BTreeMap<B256, Child>>,
    /// One commit at a time.
    pub(super) writer: Mutex<()>,
    pub(super) ages: AtomicU64,
    pub(super) pressure: Mutex<Pressure>,
    pub(super) recent: Mutex<Recent>,
    pub(super) scratch: Mutex<VecDeque<Scratch>>,
    /// Why nothing is written any more.
    halted: Mutex<Option<String>>,
    /// The last block's batch, empty.
    spare: Mutex<Batch>,
}

/// A version that was made again for a block off the head's line.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) hash: B256,
    pub(super) commit: u64,
    pub(super) version: Arc<Version>,
}

/// How hard memory presses: what age counts as cold, and where to sweep next.
#[derive(Debug)]
pub(super) struct Pressure {
    pub(super) window: u64,
    pub(super) hand: u8,
}

/// Decoded blocks that were read or committed lately.
#[derive(Debug, Default)]
pub(super) struct Recent {
    blocks: B256Map<Arc<StoredBlock>>,
    /// Oldest first, with their sizes.
    order: VecDeque<(B256, usize)>,
    bytes: usize,
}

impl Recent {
    pub(super) fn get(&self, hash: &B256) -> Option<Arc<StoredBlock>> {
        self.blocks.get(hash).cloned()
    }

    /// Keeps a block, and of the others what `capacity` bytes have room for.
    pub(super) fn put(&mut self, block: Arc<StoredBlock>, capacity: usize) {
        let hash = block.record.block.hash;
        let bytes = block.memory();
        if self.blocks.insert(hash, block).is_none() {
            self.order.push_back((hash, bytes));
            self.bytes += bytes;
        }
        while self.bytes > capacity && self.order.len() > 1 {
            if let Some((oldest, bytes)) = self.order.pop_front() {
                self.blocks.remove(&oldest);
                self.bytes -= bytes;
            }
        }
    }
}

impl Inner {
    pub(super) fn open(kv: Arc<dyn KeyValue>, options: StoreOptions) -> Result<Self, StoreError> {
        let inner = Self {
            caches: Caches::new(&options),
            kv,
            options,
            meter: Meter::default(),
            canonical: RwLock::new(None),
            tree: RwLock::new(Tree::default()),
            edits: RwLock::default(),
            residents: Mutex::new(BTreeMap::new()),
            writer: Mutex::new(()),
            ages: AtomicU64::new(1),
            pressure: Mutex::new(Pressure {
                window: 1_024,
                hand: 0,
            }),
            recent: Mutex::new(Recent::default()),
            scratch: Mutex::new(VecDeque::new()),
            halted: Mutex::new(None),
            spare: Mutex::default(),
        };
        inner.check_format()?;
        inner.load()?;
        Ok(inner)
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let snapshot = self.kv.snapshot();
        match snapshot.get(Column::Meta, META_FORMAT)? {
            None => {
                let mut batch = Batch::default();
                batch.put(Column::Meta, META_FORMAT, FORMAT.to_le_bytes());
                self.write(batch)
            }
            Some(bytes) => {
                let stored = bytes
                    .try_into()
                    .map(u32::from_le_bytes)
                    .map_err(|_| StoreError::corrupt("its format version is not a number"))?;
                if stored > FORMAT {
                    return Err(StoreError::NewerFormat {
                        stored,
                        supported: FORMAT,
                    });
                }
                if stored < FORMAT {
                    return Err(StoreError::OlderFormat {
                        stored,
                        supported: FORMAT,
                    });
                }
                Ok(())
            }
        }
    }

    /// Commits a batch, durably.
    ///
    /// After a failure nobody knows whether its bytes will be there after a
    /// restart. Whatever was written on top could be mixed with them, so
    /// nothing is: [`StoreError::Halted`].
    pub(super) fn write(&self, batch: Batch) -> Result<(), StoreError> {
        self.write_and_keep(batch).map(|_| ())
    }

    /// As [`write`](Self::write); the batch comes back as it was written.
    fn write_and_keep(&self, batch: Batch) -> Result<Batch, StoreError> {
        let mut halted = self.halted.lock();
        if let Some(cause) = &*halted {
            return Err(StoreError::Halted {
                cause: cause.clone(),
            });
        }
        let batch = batch.finish();
        self.kv.commit(&batch).inspect_err(|error| {
            *halted = Some(error.to_string());
        })?;
        Ok(batch)
    }

    /// An empty batch, with the memory of the last block's.
    pub(super) fn block_batch(&self) -> Batch {
        std::mem::take(&mut *self.spare.lock())
    }

    /// As [`write`](Self::write), and keeps the memory for the next block.
    pub(super) fn write_block(&self, batch: Batch) -> Result<(), StoreError> {
        let mut batch = self.write_and_keep(batch)?;
        if batch.memory() <= SPARE_BYTES {
            batch.clear();
            *self.spare.lock() = batch;
        }
        Ok(())
    }

    /// Shows an empty store: what the database holds is about to be replaced.
    pub(super) fn forget_all(&self) {
        *self.canonical.write() = None;
        *self.tree.write() = Tree::default();
        self.residents.lock().clear();
        *self.recent.lock() = Recent::default();
        self.scratch.lock().clear();
        self.caches.clear();
    }

    /// Takes the committed state from the database. Reads a handful of keys,
    /// whatever the size of the state.
    pub(super) fn load(&self) -> Result<(), StoreError> {
        let snapshot = self.kv.snapshot();
        let Some(heads) = meta::<Heads>(&*snapshot, META_HEADS)? else {
            return Ok(());
        };
        let genesis = meta::<BlockRef>(&*snapshot, META_GENESIS)?
            .ok_or_else(|| StoreError::corrupt("it has heads and no genesis"))?;
        let oldest = meta::<u64>(&*snapshot, META_OLDEST)?
            .ok_or_else(|| StoreError::corrupt("it does not say which states it has"))?;
        let (_, header) = chain::stored_header(&*snapshot, heads.latest.number)?
            .ok_or_else(|| StoreError::corrupt("the head's header is missing"))?;
        let root = stored_trie(&*snapshot, header.state_root)?;
        let age = self.next_age();
        self.publish(Canonical {
            genesis,
            heads,
            oldest,
            commit: 0,
            snapshot,
            version: Arc::new(Version {
                root,
                storages: B256Map::default(),
                age,
                parent_age: 0,
            }),
        });
        Ok(())
    }

    pub(super) fn allocation_root(&self, digest: &B256) -> Result<Option<B256>, StoreError> {
        let known = meta::<(B256, B256)>(&*self.kv.snapshot(), META_ALLOCATION)?;
        Ok(known.and_then(|(known, root)| (known == *digest).then_some(root)))
    }

    pub(super) fn remember_allocation(&self, digest: &B256, root: B256) -> Result<(), StoreError> {
        let _writer = self.writer.lock();
        let mut batch = Batch::default();
        batch.put(Column::Meta, META_ALLOCATION, to_borsh(&(*digest, root)));
        self.write(batch)
    }

    pub(super) fn canonical(&self) -> Result<Arc<Canonical>, StoreError> {
        self.canonical.read().clone().ok_or(StoreError::Empty)
    }

    pub(super) fn publish(&self, canonical: Canonical) {
        *self.canonical.write() = Some(Arc::new(canonical));
    }

    pub(super) fn next_age(&self) -> u64 {
        self.ages.fetch_add(1, Ordering::Relaxed)
    }

    /// The oldest state to keep once `heads` hold: never above the finalized
    /// head, from which everything can be rolled forward.
    pub(super) fn oldest_to_keep(&self, heads: &Heads) -> u64 {
        match self.options.history {
            History::Archive => 0,
            History::Last(count) => heads
                .latest
                .number
                .saturating_sub(count)
                .min(heads.finalized.number),
        }
    }
}

/// The account trie of the stored state, by its root hash.
pub(super) fn stored_trie(snapshot: &dyn KvRead, root: B256) -> Result<Option<Child>, StoreError> {
    if root == EMPTY_ROOT_HASH {
        return Ok(None);
    }
    Ok(Some(trie::stored_root(&Source::at(snapshot, None), root)?))
}

fn meta<T: borsh::BorshDeserialize>(
    snapshot: &dyn KvRead,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    snapshot
        .get(Column::Meta, key)?
        .map(|bytes| {
            borsh::from_slice(&bytes)
                .map_err(|error| StoreError::corrupt(format!("its metadata: {error}")))
        })
        .transpose()
}

/// Stages heads and the oldest readable state.
pub(super) fn stage_heads(batch: &mut Batch, heads: &Heads, oldest: u64) {
    batch.put(Column::Meta, META_HEADS, to_borsh(heads));
    batch.put(Column::Meta, META_OLDEST, to_borsh(&oldest));
}
