//! A DA chain in memory, an honest sequencer, and a node that derives: shared
//! by tests and benches.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "shared by tests and benches, which stop at the first surprise"
)]

pub(crate) mod hostile;

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEnvelope, crypto::secp256k1::sign_message,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use rollwright_core::{
    BlobRef, DaBlock, DaHeader, DaHeight, DaLane, DaOrdinal, Heads, PostedBlob, Proof,
};
use rollwright_derive::*;
use rollwright_evm::{
    codec::EvmCodec,
    engine::{EvmEngine, TransactionList},
    genesis::{DEV_CHAIN_ID, DevGenesis, Genesis, dev_account},
};
use std::sync::Arc;

pub(crate) const GENESIS_TIME: u64 = 1_700_000_000;

/// Transfers in an honest block.
pub(crate) const PER_BLOCK: usize = 1_000;

pub(crate) fn sequencer() -> KeySigner {
    KeySigner::new(B256::repeat_byte(1)).unwrap()
}

pub(crate) fn genesis() -> Genesis {
    let rollup = RollupConfig::dev(DevChain {
        sequencer: sequencer().address(),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    });
    DevGenesis::new(GENESIS_TIME, rollup).genesis()
}

pub(crate) fn rules(engine: &EvmEngine) -> Arc<Rules> {
    let rules = Rules::new(
        engine.init().unwrap().hash,
        engine.config_digest(),
        (*engine.rollup_config()).clone(),
        Vec::new(),
    );
    Arc::new(rules.unwrap())
}

/// A transfer from the first development account to somebody new.
pub(crate) fn transfer(nonce: u64) -> Bytes {
    sign(dev_account(0).unwrap().key, nonce, 100_000_000_000)
}

pub(crate) fn sign(key: B256, nonce: u64, max_fee_per_gas: u128) -> Bytes {
    let transaction = TxEip1559 {
        chain_id: DEV_CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::from_word(keccak256(nonce.to_be_bytes()))),
        value: U256::from(1),
        ..Default::default()
    };
    let signature = sign_message(key, transaction.signature_hash()).unwrap();
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

/// The DA block with an ordinal, on its parent, with blobs.
pub(crate) fn da_block(parent: Option<&DaBlock>, blobs: Vec<Bytes>) -> DaBlock {
    let height = parent.map_or(DaHeight(0), |parent| DaHeight(parent.header.height.0 + 1));
    let hash = keccak256([&b"hash"[..], &height.0.to_be_bytes()].concat());
    let header = DaHeader {
        height,
        hash,
        parent_hash: parent.map_or(B256::ZERO, |parent| parent.header.hash),
        time: GENESIS_TIME + 2 * height.0,
        data_root: keccak256(hash),
    };
    let blobs = (0..).zip(blobs).map(|(index, data)| PostedBlob {
        reference: BlobRef {
            block: header.id(),
            index,
            commitment: B256::ZERO,
        },
        lane: DaLane::Batch,
        poster: None,
        data,
    });
    DaBlock {
        header,
        blobs: blobs.collect(),
        completeness: Proof::default(),
    }
}

/// Three DA blocks: two empty ones, and one with a batch of so many blocks of
/// [`PER_BLOCK`] transfers.
pub(crate) fn honest(blocks: usize) -> Vec<DaBlock> {
    let first = da_block(None, Vec::new());
    let second = da_block(Some(&first), Vec::new());
    let engine = EvmEngine::in_memory(genesis()).unwrap();
    let rules = rules(&engine);
    let origin = DaOrdinal(0);
    let mut made = Vec::new();
    let mut parent = engine.heads().unwrap().latest;
    let genesis = parent;
    for number in 0..blocks {
        let timestamp = GENESIS_TIME + 1 + number as u64;
        let recipient = Address::repeat_byte(3);
        let attributes = rules.attributes(origin, &first.header, timestamp, recipient, Vec::new());
        let nonces = number * PER_BLOCK..(number + 1) * PER_BLOCK;
        let mut offered = TransactionList::new(nonces.map(|nonce| transfer(nonce as u64)));
        let built = engine
            .build_block(&parent, attributes, &mut offered)
            .unwrap();
        assert_eq!(built.executed.transactions as usize, PER_BLOCK);
        parent = built.executed.block;
        engine.commit(&heads(parent, genesis), &[]).unwrap();
        made.push(BatchBlock {
            timestamp,
            origin,
            fee_recipient: recipient,
            transactions: built.input.transactions,
        });
    }
    let encoded = engine.batch_codec().encode(CodecId::ZSTD, &made).unwrap();
    let envelope = Envelope {
        version: ENVELOPE_VERSION,
        rollup_id: rules.rollup_id(),
        config_digest: rules.at(DaOrdinal(2)).digest,
        term: 0,
        number: 0,
        previous: B256::ZERO,
        first_block: 1,
        parent: genesis.hash,
        last_origin: rules.point(DaOrdinal(0), &first.header),
        blocks: made.len() as u32,
        transactions: encoded.transactions,
        codec: CodecId::ZSTD,
        decompressed_len: encoded.decompressed_len,
        announced: None,
        payload: encoded.payload,
    };
    let third = da_block(Some(&second), parts(&rules, &envelope.encode()));
    vec![first, second, third]
}

/// An envelope in signed parts of at most 128 KiB.
pub(crate) fn parts(rules: &Rules, envelope: &Bytes) -> Vec<Bytes> {
    const PIECE: usize = 128 << 10;
    let count = envelope.len().div_ceil(PIECE);
    let part = |index: usize| {
        let claim = PartClaim {
            key_entry: DaOrdinal(0),
            attempt: 0,
            number: 0,
            batch_id: Envelope::id(envelope),
            index: index as u32,
            count: count as u32,
            total_len: envelope.len() as u32,
        };
        let end = ((index + 1) * PIECE).min(envelope.len());
        signed(
            rules,
            &sequencer(),
            claim,
            envelope.slice(index * PIECE..end),
        )
    };
    (0..count).map(part).collect()
}

/// A part under a key's signature.
pub(crate) fn signed(rules: &Rules, key: &KeySigner, claim: PartClaim, piece: Bytes) -> Bytes {
    let rollup_id = rules.rollup_id();
    let hash = claim.signing_hash(&rollup_id, &piece);
    let part = Part {
        claim,
        signature: key.sign(&hash).unwrap().into(),
        piece,
    };
    part.encode(&rollup_id).into()
}

fn heads(latest: rollwright_core::BlockRef, safe: rollwright_core::BlockRef) -> Heads {
    Heads {
        latest,
        safe,
        finalized: safe,
    }
}

/// A node that has nothing yet.
pub(crate) struct Node<C> {
    pub(crate) engine: EvmEngine,
    pub(crate) deriver: Deriver<C>,
    /// Transactions of blocks that were executed.
    pub(crate) executed: usize,
}

impl<C: BatchCodec> Node<C> {
    pub(crate) fn new(codec: impl FnOnce(EvmCodec) -> C) -> Self {
        let engine = EvmEngine::in_memory(genesis()).unwrap();
        let genesis = engine.init().unwrap();
        let deriver = Deriver::new(
            rules(&engine),
            codec(engine.batch_codec()),
            genesis,
            engine.genesis_time(),
        );
        Self {
            engine,
            deriver,
            executed: 0,
        }
    }

    /// Derives these DA blocks.
    pub(crate) fn read(&mut self, da: &[DaBlock]) {
        for block in da {
            self.deriver.feed_block(block).unwrap();
            self.work_off();
        }
    }

    fn work_off(&mut self) {
        loop {
            match self.deriver.poll() {
                Step::DaBlock(_) => return,
                Step::Execute(input) => {
                    self.executed += input.transactions.len() + input.forced.len();
                    let outcome = self.engine.execute_block(&input).unwrap();
                    self.deriver.feed_outcome(&outcome).unwrap();
                }
                Step::Commit(step) => {
                    let moved = Heads {
                        latest: step.safe,
                        safe: step.safe,
                        finalized: step.finalized,
                    };
                    self.engine.commit(&moved, &step.records).unwrap();
                    self.deriver.committed();
                }
            }
        }
    }

    pub(crate) fn head(&self) -> u64 {
        self.deriver.state().head().block.number
    }
}
