use super::{
    BodyExtras, ImportError, Phase, extras,
    phases::{Observed, Observer},
};
use crate::{
    ethereum::{Ancestor, BlockError, EthereumBlock, Lineage, Verified, verify},
    genesis::ChainConfig,
    store::{NewBlock, Prepared, Store, StoreError},
};
use alloy_consensus::Header;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, U256, map::B256Map};
use alloy_trie::EMPTY_ROOT_HASH;
use rollwright_core::{BlockEffects, BlockId, BlockRecord, BlockRef, Bytes, Heads, RecordChange};
use std::{fmt, sync::Arc};

/// Generations that an ommer may hang back.
const GENERATIONS: usize = 7;

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was here before; nothing was done.
    Known,
    /// It is valid, and the head of the chain now.
    Head,
    /// It is valid, and on a branch beside the chain.
    Beside,
}

/// Adds blocks of Ethereum to a store, each on whichever block it continues.
///
/// The chain is the branch of the greatest total difficulty, the first of
/// equals; after the merge the branch that grew last. Blocks live beside the
/// chain in memory until [`commit`](Self::commit), which must come often
/// enough for the bounds of [`StoreOptions`](crate::store::StoreOptions).
///
/// An error leaves everything as it was before the block. After a restart an
/// importer goes on from what was committed.
pub struct Importer {
    store: Store,
    config: Arc<ChainConfig>,
    /// By tip: branches on which blocks may be made, of this session.
    lineages: B256Map<Lineage>,
    head: BlockRef,
    /// To be committed with the next heads.
    records: Vec<RecordChange>,
    observer: Observer,
}

impl Importer {
    /// Goes on from the head of a store that has its genesis block.
    pub fn open(store: Store, config: Arc<ChainConfig>) -> Result<Self, ImportError> {
        let head = store.heads()?.latest;
        Ok(Self {
            store,
            config,
            lineages: B256Map::default(),
            head,
            records: Vec::new(),
            observer: Box::new(|_| ()),
        })
    }

    /// Tells `observer` each time another phase begins.
    #[must_use]
    pub fn observed_by(mut self, observer: impl FnMut(Phase) + Send + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// The newest block of the chain, committed or not.
    pub const fn head(&self) -> BlockRef {
        self.head
    }

    /// Verifies a block on its parent and keeps it beside the chain.
    pub fn add(&mut self, block: &EthereumBlock) -> Result<Added, ImportError> {
        let hash = block.hash();
        if self.store.header(BlockId::Hash(hash))?.is_some() {
            return Ok(Added::Known);
        }
        let parent = block.header().parent_hash;
        let mut lineage = self.lineage(parent)?.ok_or(ImportError::UnknownParent {
            number: block.header().number,
            hash,
            parent,
        })?;
        (self.observer)(Phase::Execution);
        let result = self.verified(&lineage, block);
        (self.observer)(Phase::Commit);
        let (verified, prepared) = result?;
        let parent = reference(lineage.tip());
        lineage.push(block);
        let kept = self.keep(
            block,
            parent,
            lineage.total_difficulty(),
            verified,
            prepared,
        );
        (self.observer)(Phase::Idle);
        kept?;
        let moves = self.is_heavier(&lineage)?;
        if moves {
            self.head = reference(lineage.tip());
        }
        self.lineages.insert(hash, lineage);
        Ok(if moves { Added::Head } else { Added::Beside })
    }

    /// Makes the chain up to its head canonical and durable, in one step.
    /// `settled` is the newest block that will never be undone: the safe and
    /// the finalized head.
    pub fn commit(&mut self, settled: BlockRef) -> Result<Heads, ImportError> {
        (self.observer)(Phase::Commit);
        let heads = Heads {
            latest: self.head,
            safe: settled,
            finalized: settled,
        };
        let done = self.store.set_heads(&heads, &self.records);
        (self.observer)(Phase::Idle);
        done?;
        self.records.clear();
        // Others are read from the store again where they are needed.
        let head = self.head.hash;
        self.lineages.retain(|tip, _| *tip == head);
        Ok(self.store.heads()?)
    }

    fn verified(
        &mut self,
        lineage: &Lineage,
        block: &EthereumBlock,
    ) -> Result<(Verified, Prepared), ImportError> {
        let mut state = Observed {
            state: self.store.begin(&reference(lineage.tip()))?,
            observer: &mut self.observer,
        };
        let verified =
            verify(&self.config, lineage, &mut state, block).map_err(|error| match error {
                BlockError::Invalid(violation) => ImportError::Invalid(violation),
                BlockError::State(error) => ImportError::Store(error),
            })?;
        let prepared = state.into_prepared().ok_or_else(|| StoreError::BadBlock {
            number: block.header().number,
            reason: "its state was not committed".into(),
        })?;
        Ok((verified, prepared))
    }

    fn keep(
        &mut self,
        block: &EthereumBlock,
        parent: BlockRef,
        total_difficulty: U256,
        verified: Verified,
        prepared: Prepared,
    ) -> Result<(), ImportError> {
        let body = &block.block().body;
        let beside = BodyExtras {
            total_difficulty,
            ommers: body.ommers.clone(),
            withdrawals: body.withdrawals.as_ref().map(|list| list.to_vec()),
        };
        self.store
            .insert(new_block(block, parent, verified), prepared)?;
        self.records.push(extras::record(&block.hash(), &beside));
        Ok(())
    }

    /// True where the chain moves to the block that `lineage` ends in.
    fn is_heavier(&mut self, lineage: &Lineage) -> Result<bool, ImportError> {
        let tip = &lineage.tip().header;
        if tip.difficulty.is_zero() || tip.parent_hash == self.head.hash {
            return Ok(true);
        }
        let head = self.lineage(self.head.hash)?;
        Ok(head.is_none_or(|head| lineage.total_difficulty() > head.total_difficulty()))
    }

    /// The branch that ends in a block; `None` where it is not here.
    fn lineage(&self, tip: B256) -> Result<Option<Lineage>, ImportError> {
        if let Some(known) = self.lineages.get(&tip) {
            return Ok(Some(known.clone()));
        }
        let Some((first, beside)) = self.ancestor(tip)? else {
            return Ok(None);
        };
        let total = match beside {
            Some(beside) => beside.total_difficulty,
            None => first.header.difficulty,
        };
        let mut older = Vec::with_capacity(GENERATIONS);
        let mut last = &first;
        while older.len() + 1 < GENERATIONS && last.header.number > 0 {
            let Some((next, _)) = self.ancestor(last.header.parent_hash)? else {
                break;
            };
            older.push(next);
            last = older.last().unwrap_or(&first);
        }
        Ok(Some(Lineage::of(first, older, total)))
    }

    fn ancestor(&self, hash: B256) -> Result<Option<(Ancestor, Option<BodyExtras>)>, ImportError> {
        let Some(header) = self.store.header(BlockId::Hash(hash))? else {
            return Ok(None);
        };
        let beside = extras(&self.store, &hash)?;
        let ommers = beside.iter().flat_map(|beside| &beside.ommers);
        let ancestor = Ancestor {
            hash,
            header,
            ommers: ommers.map(Header::hash_slow).collect(),
        };
        Ok(Some((ancestor, beside)))
    }
}

impl fmt::Debug for Importer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

const fn reference(block: &Ancestor) -> BlockRef {
    BlockRef {
        number: block.header.number,
        hash: block.hash,
    }
}

fn new_block(block: &EthereumBlock, parent: BlockRef, verified: Verified) -> NewBlock {
    let header = block.header();
    let transactions = &block.block().body.transactions;
    let receipts = verified.receipts.iter();
    NewBlock {
        record: BlockRecord {
            block: BlockRef {
                number: header.number,
                hash: block.hash(),
            },
            parent,
            timestamp: header.timestamp,
            fee_recipient: header.beneficiary,
            state_root: header.state_root,
            gas_used: header.gas_used,
            anchor: None,
            forced_included: Vec::new(),
            forced: Vec::new(),
            transactions: transactions
                .iter()
                .map(|tx| Bytes::from(tx.encoded_2718()))
                .collect(),
            input_hash: B256::ZERO,
        },
        header: header.clone(),
        transaction_hashes: transactions.iter().map(|tx| *tx.tx_hash()).collect(),
        senders: verified.senders,
        effects: BlockEffects {
            receipts: receipts.map(|r| Bytes::from(r.encoded_2718())).collect(),
            outbox_root: EMPTY_ROOT_HASH,
            mailbox_events: Vec::new(),
        },
    }
}
