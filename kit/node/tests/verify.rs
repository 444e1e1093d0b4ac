//! Checking a stored chain against DA.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use alloy_primitives::{B256, Bytes};
use common::*;
use rollwright_core::{
    BlockId, BlockRecord, ChainStore, Header, Heads, NodeApi, RecordChange,
    memory::{MemoryExecution, MemoryExecutionError},
};
use rollwright_node::{NodeError, VerifyOptions, verify};

/// A store in which one header was changed.
struct Tampered {
    inner: MemoryExecution,
    number: u64,
}

type Stored<T> = Result<T, MemoryExecutionError>;

impl ChainStore for Tampered {
    type Error = MemoryExecutionError;

    fn heads(&self) -> Stored<Heads> {
        self.inner.heads()
    }

    fn block(&self, id: BlockId) -> Stored<Option<BlockRecord>> {
        let block = self.inner.block(id)?;
        let header = self.header(id)?;
        Ok(block.zip(header).map(|(mut block, header)| {
            block.block.hash = header.hash_slow();
            block
        }))
    }

    fn header(&self, id: BlockId) -> Stored<Option<Header>> {
        let header = self.inner.header(id)?;
        Ok(header.map(|mut header| {
            if header.number == self.number {
                header.gas_used += 1;
            }
            header
        }))
    }

    fn record(&self, key: &[u8]) -> Stored<Option<Bytes>> {
        self.inner.record(key)
    }

    fn records(&self, prefix: &[u8], from: &[u8], limit: usize) -> Stored<Vec<(Bytes, Bytes)>> {
        self.inner.records(prefix, from, limit)
    }

    fn put_records(&self, records: &[RecordChange]) -> Stored<()> {
        self.inner.put_records(records)
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_verifies_and_a_changed_block_is_named_with_its_field() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    for nonce in 0..4 {
        node.submit(transfer(1, nonce, 2)).await.unwrap();
    }
    until_safe(&node, 12).await;
    node.shutdown().await.unwrap();

    let mut steps = 0;
    let verified = verify(
        &world.da.clone().into(),
        &world.engine(),
        &engine,
        VerifyOptions::default(),
        |_| {
            steps += 1;
        },
    )
    .await
    .unwrap();
    assert!(steps > 5);
    assert!(verified.blocks >= 12);
    assert_eq!(
        verified.reference.latest.number - verified.blocks,
        verified.unposted
    );
    assert_eq!(
        hashes(&engine, verified.blocks)[verified.blocks as usize],
        verified.head.hash
    );

    let tampered = Tampered {
        inner: engine.clone(),
        number: 7,
    };
    let error = verify(
        &world.da.clone().into(),
        &world.engine(),
        &tampered,
        VerifyOptions::default(),
        |_| {},
    )
    .await
    .unwrap_err();
    match error {
        NodeError::Mismatch { number, field, .. } => {
            assert_eq!((number, field.as_str()), (7, "gas_used"));
        }
        other => panic!("{other}"),
    }
    let used = verify(
        &world.da.clone().into(),
        &engine,
        &engine,
        VerifyOptions::default(),
        |_| {},
    )
    .await;
    assert!(matches!(used, Err(NodeError::Config { .. })));
    assert_ne!(verified.head.hash, B256::ZERO);
}
