use super::chain::{FakeNode, legacy};
use crate::rpc::journal::{Behind, Entry, Journal};
use rollwright_core::{BlockRef, NodeApi};
use std::sync::Arc;

fn follow(node: &FakeNode) -> Journal {
    Journal::follow(node.engine.store().clone(), Arc::new(node.clone())).unwrap()
}

async fn until(journal: &Journal, end: u64) -> Vec<Entry> {
    journal.watch().wait_for(|at| *at >= end).await.unwrap();
    journal.read(0, usize::MAX).unwrap()
}

fn names(entries: &[Entry]) -> Vec<(char, u64)> {
    entries
        .iter()
        .map(|entry| match entry {
            Entry::New(block) => ('+', block.record.block.number),
            Entry::Old(name) => ('o', name.number),
            Entry::Removed(block) => ('-', block.record.block.number),
            Entry::Pending(_) => ('p', 0),
            Entry::Syncing(syncing) => ('s', u64::from(*syncing)),
        })
        .collect()
}

#[tokio::test]
async fn blocks_come_in_order_even_if_events_are_missed() {
    let node = FakeNode::new();
    node.seal();
    let journal = follow(&node);
    // All three are made before the task has seen the first event.
    for _ in 0..3 {
        node.seal();
    }
    let entries = until(&journal, 3).await;
    assert_eq!(names(&entries), [('+', 2), ('+', 3), ('+', 4)]);
}

#[tokio::test]
async fn a_reorganisation_takes_back_newest_first() {
    let node = FakeNode::new();
    let journal = follow(&node);
    let genesis = node.heads().latest;
    let first = node.make(genesis, 1, vec![legacy(0, 0)]);
    let second: BlockRef = node.make(first, 1, vec![legacy(0, 1)]);
    until(&journal, 2).await;
    let other = node.make(genesis, 3, vec![]);
    let entries = until(&journal, 5).await;
    assert_eq!(
        names(&entries),
        [('+', 1), ('+', 2), ('-', 2), ('-', 1), ('+', 1)]
    );
    let Entry::Removed(removed) = &entries[2] else {
        panic!("{entries:?}");
    };
    assert_eq!(removed.record.block, second);
    // What it held is still known: logs are taken back from it.
    assert_eq!(removed.receipts.len(), 1);
    let Entry::New(new) = &entries[4] else {
        panic!("{entries:?}");
    };
    assert_eq!(new.record.block, other);
}

#[tokio::test]
async fn syncing_is_told_when_it_changes() {
    let node = FakeNode::new();
    let journal = follow(&node);
    node.set_syncing(true);
    node.set_syncing(true);
    node.set_syncing(false);
    // The state is read when the event is seen: only changes are entries.
    node.put(legacy(0, 0));
    let mut watch = journal.watch();
    loop {
        let entries = journal.read(0, usize::MAX).unwrap();
        if names(&entries).contains(&('p', 0)) {
            let syncing = names(&entries).into_iter().filter(|(kind, _)| *kind == 's');
            let changes: Vec<u64> = syncing.map(|(_, syncing)| syncing).collect();
            assert!(changes.is_empty() || changes == [1, 0], "{changes:?}");
            return;
        }
        watch.changed().await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_fell_behind_is_told() {
    let node = FakeNode::new();
    let journal = follow(&node);
    let hash = alloy_primitives::B256::ZERO;
    for _ in 0..20_000 {
        node.emit_pending(hash);
    }
    journal
        .watch()
        .wait_for(|end| *end == 20_000)
        .await
        .unwrap();
    assert_eq!(journal.read(0, 1).unwrap_err(), Behind);
    assert_eq!(
        journal.read(20_000 - 16_384, usize::MAX).unwrap().len(),
        16_384
    );
    assert!(journal.read(20_000, 1).unwrap().is_empty());
}

#[tokio::test]
async fn dropping_the_methods_lets_go_of_the_node() {
    let node = FakeNode::new();
    let api: Arc<dyn NodeApi> = Arc::new(node.clone());
    let watched = Arc::downgrade(&api);
    let methods = crate::rpc::eth_module(&node.engine, api, Default::default()).unwrap();
    node.seal();
    assert!(watched.upgrade().is_some());
    drop(methods);
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(
        watched.upgrade().is_none(),
        "the journal's task holds the node"
    );
}
