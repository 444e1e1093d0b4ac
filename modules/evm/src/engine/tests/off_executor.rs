use super::*;
use rollwright_core::{CandidateOutcome, CandidateSource, Execution};
use std::sync::mpsc;

/// Waits for another task of the runtime before it offers anything.
struct Waiting(mpsc::Receiver<()>);

impl CandidateSource for Waiting {
    fn next(&mut self, _: u64, _: u64) -> Option<rollwright_core::Candidate> {
        self.0.recv().expect("the other task runs");
        None
    }

    fn report(&mut self, _: &rollwright_core::Candidate, _: CandidateOutcome) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn other_tasks_run_while_a_block_is_built() {
    let engine = engine();
    let parent = engine.genesis().await.expect("genesis");
    let (sender, receiver) = mpsc::channel();
    // The only worker is needed by both: unless building leaves it, neither
    // ends.
    let builder = {
        let engine = engine.clone();
        tokio::spawn(async move {
            let attributes = attributes(&header(&engine, &parent));
            let mut source = Waiting(receiver);
            engine.build(&parent, attributes, &mut source).await
        })
    };
    tokio::spawn(async move { sender.send(()) })
        .await
        .expect("a task")
        .expect("a builder");
    builder.await.expect("a task").expect("a block");
}

#[tokio::test]
async fn a_runtime_with_one_thread_runs_it_in_place() {
    let engine = engine();
    let parent = engine.genesis().await.expect("genesis");
    let attributes = attributes(&header(&engine, &parent));
    let mut offered = crate::engine::TransactionList::new([nth(0)]);
    let built = engine
        .build(&parent, attributes, &mut offered)
        .await
        .expect("a block");
    assert_eq!(built.executed.transactions, 1);
}
