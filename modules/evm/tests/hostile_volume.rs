//! Ten thousand hostile blobs in one DA block: what they make a node do,
//! counted, beside an honest DA block of the same size. The times are measured
//! by `cargo bench -p rollwright-evm --bench derivation`.

mod world;

use rollwright_derive::{
    BatchBlock, BatchCodec, CodecError, CodecId, CodecLimits, EncodedBlocks, EncodedFacts,
    ForcedFacts, WireBlob, parse_blob,
};
use rollwright_evm::codec::EvmCodec;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use world::{Node, hostile::Hostile};

const BLOBS: usize = 10_000;

#[derive(Debug, Default)]
struct Tally {
    /// Signatures of transactions, forced ones included.
    recoveries: AtomicUsize,
    /// Bytes that decompression may have made.
    decompressed: AtomicUsize,
    /// Bytes of the transactions that were built and hashed.
    built: AtomicUsize,
}

/// The chain's codec; counts what it is asked to do.
#[derive(Clone, Debug)]
struct Counting {
    inner: EvmCodec,
    tally: Arc<Tally>,
}

impl BatchCodec for Counting {
    fn encode(&self, codec: CodecId, blocks: &[BatchBlock]) -> Result<EncodedBlocks, CodecError> {
        self.inner.encode(codec, blocks)
    }

    fn decode(
        &self,
        facts: &EncodedFacts,
        payload: &[u8],
        limits: &CodecLimits,
    ) -> Result<Vec<BatchBlock>, CodecError> {
        let decoded = self.inner.decode(facts, payload, limits);
        let made = facts.decompressed_len as usize;
        self.tally.decompressed.fetch_add(made, Relaxed);
        if let Ok(blocks) = &decoded {
            let transactions = blocks.iter().flat_map(|block| &block.transactions);
            let built = transactions.map(|bytes| bytes.len()).sum();
            self.tally.built.fetch_add(built, Relaxed);
            let signed = facts.transactions as usize;
            self.tally.recoveries.fetch_add(signed, Relaxed);
        }
        decoded
    }

    fn check_forced(&self, transaction: &[u8]) -> Result<ForcedFacts, CodecError> {
        self.tally.recoveries.fetch_add(1, Relaxed);
        self.inner.check_forced(transaction)
    }
}

/// What deriving one DA block took.
#[derive(Debug)]
struct Work {
    bytes: usize,
    /// Signatures at most: one for each part, one for each transaction read.
    signatures: usize,
    executed: usize,
    decompressed: usize,
    /// Bytes of transactions that were built from columns, and hashed.
    built: usize,
    /// Rows of the deriver's state.
    rows: usize,
}

/// A node reads two empty DA blocks, and then these blobs.
#[expect(clippy::expect_used, reason = "a test stops at the first surprise")]
fn work(blobs: Vec<alloy_primitives::Bytes>) -> (Work, u64) {
    let tally = Arc::new(Tally::default());
    let mut node = Node::new(|inner| Counting {
        inner,
        tally: Arc::clone(&tally),
    });
    let rollup_id = node.deriver.rules().rollup_id();
    let parts = blobs
        .iter()
        .filter(|blob| matches!(parse_blob(blob, &rollup_id), Ok(WireBlob::Part(_))))
        .count();
    let bytes = blobs.iter().map(|blob| blob.len()).sum();
    let first = world::da_block(None, Vec::new());
    let second = world::da_block(Some(&first), Vec::new());
    let third = world::da_block(Some(&second), blobs);
    node.read(&[first, second, third]);
    let records = rollwright_core::ChainStore::records(
        &node.engine,
        rollwright_derive::RECORD_PREFIX,
        &[],
        usize::MAX,
    );
    let work = Work {
        bytes,
        signatures: parts + tally.recoveries.load(Relaxed),
        executed: node.executed,
        decompressed: tally.decompressed.load(Relaxed),
        built: tally.built.load(Relaxed),
        rows: records.expect("the store reads its records").len(),
    };
    (work, node.head())
}

#[test]
fn ten_thousand_hostile_blobs_cost_less_than_twice_an_honest_block_of_their_size() {
    let honest_blobs = world::honest(2).remove(2).blobs;
    let honest_blobs = honest_blobs.into_iter().map(|blob| blob.data).collect();
    let (honest, head) = work(honest_blobs);
    assert_eq!(head, 2);
    assert_eq!(honest.executed, 2 * world::PER_BLOCK);
    assert_eq!(honest.signatures, honest.executed + 2);

    let rules = world::rules(&Node::new(|codec| codec).engine);
    for kind in Hostile::ALL {
        let (hostile, head) = work(kind.blobs(&rules, BLOBS));
        assert_eq!(head, 0, "{kind:?} made a block");
        assert_eq!(hostile.executed, 0, "{kind:?}");
        // Per byte, so that a small honest block stands for one of the size.
        assert!(
            hostile.signatures * honest.bytes < 2 * honest.signatures * hostile.bytes,
            "{kind:?}: {hostile:?}, honest {honest:?}"
        );
        // Decoding in vain has a bound of its own, however much is posted.
        let waste = rules.config().limits.decompressed_bytes as usize;
        assert!(hostile.decompressed <= 2 * waste, "{kind:?}: {hostile:?}");
        // What stays of ten thousand blobs is what their signers may store.
        assert!(hostile.rows < 200, "{kind:?}: {hostile:?}");
    }
}

/// A few hundred bytes are no honest block's worth, whatever they hold; so what
/// they may make a node build has a bound of its own.
#[test]
fn a_handful_of_small_batches_expands_to_less_than_two_of_the_largest() {
    let rules = world::rules(&Node::new(|codec| codec).engine);
    let most = rules.config().limits.decompressed_bytes as usize;
    let of = |kind: Hostile, count| kind.blobs(&rules, count);
    let (early, unfunded) = (Hostile::Expanding, Hostile::ExpandingUnfunded);
    let mixes = [of(early, 8), [of(early, 1), of(unfunded, 7)].concat()];
    for blobs in mixes {
        let count = blobs.len();
        let (hostile, head) = work(blobs);
        assert_eq!(head, 0);
        assert!(hostile.bytes < 1_000 * count, "{hostile:?}");
        // It is as large as a batch can be, so that the test can fail.
        assert!(hostile.built > most * 9 / 10, "{hostile:?}");
        assert!(hostile.built < 2 * most, "{count} blobs: {hostile:?}");
    }
}
