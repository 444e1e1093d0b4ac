use super::{Added, ChainFile, ImportError, Importer, read_ahead};
use crate::{
    ethereum::EthereumBlock,
    store::{Store, StoreError},
};
use rollwright_core::BlockRef;
use std::io::Read;

/// Blocks that may yet be undone while a file is read, for branches in it.
const UNSETTLED: u64 = 64;

/// What one commit holds at most, and a little more: blocks, gas, bytes.
const BATCH: (u64, u64, u64) = (64, 60_000_000, 16 << 20);

/// What an import has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Blocks that were new.
    pub blocks: u64,
    /// Blocks that were here before.
    pub known: u64,
    /// Transactions of the new blocks.
    pub transactions: u64,
    /// Gas that the new blocks used.
    pub gas: u64,
    /// Bytes of the new blocks.
    pub bytes: u64,
}

/// An import that has ended.
#[derive(Debug)]
pub struct Imported {
    /// What it did.
    pub totals: Totals,
    /// The head, which is safe and final.
    pub head: BlockRef,
    /// Why it ended before the file did. What came before is kept.
    pub stopped: Option<ImportError>,
}

/// Adds all blocks of a file, in their order, and makes the heaviest branch the
/// chain: latest, safe and final. `progress` is told after each block.
///
/// The first block that is refused ends it; what was added before stays. Killed
/// at any time, it leaves the last of its commits, and doing it again goes on
/// from there. The outer error is the store's, and leaves what was committed.
pub fn import<R: Read + Send>(
    importer: &mut Importer,
    store: &Store,
    file: ChainFile<R>,
    progress: &mut dyn FnMut(&Totals, BlockRef),
) -> Result<Imported, ImportError> {
    let mut totals = Totals::default();
    let stopped = read_ahead(file, |blocks| -> Result<_, ImportError> {
        let mut batch = Totals::default();
        for block in blocks {
            let added = match block.and_then(|block| add(importer, &block, &mut batch)) {
                Ok(added) => added,
                Err(ImportError::Store(error)) => return Err(error.into()),
                Err(refused) => {
                    totals.take(batch);
                    return Ok(Some(refused));
                }
            };
            let so_far = totals.and(batch);
            progress(&so_far, importer.head());
            if added != Added::Known && batch.is_full() {
                let settled = settled(importer, store)?;
                importer.commit(settled)?;
                totals.take(std::mem::take(&mut batch));
            }
        }
        totals.take(batch);
        Ok(None)
    })?;
    let head = importer.head();
    importer.commit(head)?;
    Ok(Imported {
        totals,
        head,
        stopped,
    })
}

fn add(
    importer: &mut Importer,
    block: &EthereumBlock,
    totals: &mut Totals,
) -> Result<Added, ImportError> {
    let added = importer.add(block)?;
    if added == Added::Known {
        totals.known += 1;
        return Ok(added);
    }
    totals.blocks += 1;
    totals.transactions += block.block().body.transactions.len() as u64;
    totals.gas += block.header().gas_used;
    totals.bytes += block.length() as u64;
    Ok(added)
}

/// The newest block that a branch in the rest of the file may not undo.
fn settled(importer: &Importer, store: &Store) -> Result<BlockRef, StoreError> {
    let heads = store.heads()?;
    let number = importer.head().number.saturating_sub(UNSETTLED);
    if number <= heads.finalized.number || number > heads.latest.number {
        return Ok(heads.finalized);
    }
    let hash = store.canonical_hash(number)?;
    Ok(hash.map_or(heads.finalized, |hash| BlockRef { number, hash }))
}

impl Totals {
    fn take(&mut self, other: Self) {
        *self = self.and(other);
    }

    const fn and(self, other: Self) -> Self {
        Self {
            blocks: self.blocks + other.blocks,
            known: self.known + other.known,
            transactions: self.transactions + other.transactions,
            gas: self.gas.saturating_add(other.gas),
            bytes: self.bytes + other.bytes,
        }
    }

    const fn is_full(&self) -> bool {
        let (blocks, gas, bytes) = BATCH;
        self.blocks >= blocks || self.gas >= gas || self.bytes >= bytes
    }
}
