//! Evidence against a feed, as people and programs meet it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, run, stderr, stdout};
use rollwright::{
    Project,
    core::{Address, B256, BlockId, BlockInput, BlockRef, ChainStore, ForcedBudget},
    node::{FeedEvidence, SequencerKey, SignedBlock},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A block that the sequencer's key signed, while DA gives another one.
fn contradiction(project: &Project, key: &SequencerKey, number: u64) -> FeedEvidence {
    let engine = project.existing_evm().expect("a chain");
    let record = engine
        .block(BlockId::Number(number))
        .expect("readable")
        .expect("a block");
    assert!(engine.heads().expect("readable").safe.number >= number);
    let anchor = record.anchor.expect("not genesis");
    let at = anchor.origin;
    let input = BlockInput {
        parent: record.parent,
        timestamp: record.timestamp,
        fee_recipient: Address::repeat_byte(0xaa),
        gas_limit: 1_000_000_000,
        anchor,
        forced: Vec::new(),
        forced_budget: ForcedBudget::default(),
        transactions: Vec::new(),
        ticks: Vec::new(),
        inbox: Vec::new(),
    };
    let chain = (project.chain_id(), project.rollup_id());
    let hash = B256::repeat_byte(0xbb);
    let signed = SignedBlock::sign(key, chain, 1, hash, input).expect("signed");
    FeedEvidence {
        signed,
        derived: BlockRef {
            number,
            hash: record.block.hash,
        },
        at,
    }
}

fn check(file: &Path, more: &[&str]) -> std::process::Output {
    run(&[&["evidence", "check", text(file), "--json"], more].concat())
}

fn verdict(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    let envelope: Value = serde_json::from_str(&stdout(output)).expect("JSON");
    envelope["data"]["verdict"]
        .as_str()
        .expect("a verdict")
        .to_owned()
}

#[test]
fn evidence_is_checked_by_signature_and_by_what_da_gives() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = folder.path().join("chain");
    let mut node = Running::dev(
        &chain,
        &["--block-time", "100ms", "--da-block-time", "150ms"],
    );
    while node.wait_for("heads")["safe"]["number"].as_u64() < Some(3) {}
    let busy = run(&["evidence", "list", "--datadir", text(&chain)]);
    assert!(
        stderr(&busy).contains("stop the node first"),
        "{}",
        stderr(&busy)
    );
    assert_eq!(node.interrupt(), Some(0));

    let listed = run(&["evidence", "list", "--datadir", text(&chain), "--json"]);
    assert!(listed.status.success(), "{}", stderr(&listed));
    let listed: Value = serde_json::from_str(&stdout(&listed)).expect("JSON");
    assert_eq!(listed["data"]["evidence"], json!([]));

    let project = Project::of_data_dir(&chain).expect("a project");
    let key = project.sequencer_key().expect("a key");
    let evidence = contradiction(&project, &key, 2);
    let file = folder.path().join("evidence");
    let datadir = ["--datadir", text(&chain)];
    let save = |evidence: &FeedEvidence| fs::write(&file, evidence.to_bytes()).expect("written");

    save(&evidence);
    let settings = chain.join("rollup.toml");
    assert_eq!(
        verdict(&check(&file, &["--config", text(&settings)])),
        "signed"
    );
    assert_eq!(verdict(&check(&file, &datadir)), "proven");

    let stranger = SequencerKey::from_bytes(B256::repeat_byte(5)).expect("a key");
    let mut cases = vec![
        (
            "no key of the schedule",
            contradiction(&project, &stranger, 2),
        ),
        ("not canonical", {
            let mut elsewhere = evidence.clone();
            elsewhere.signed.input.anchor.origin.hash = B256::repeat_byte(1);
            let input = elsewhere.signed.input.clone();
            let id = (project.chain_id(), project.rollup_id());
            elsewhere.signed =
                SignedBlock::sign(&key, id, 1, evidence.signed.hash, input).expect("signed");
            elsewhere
        }),
        ("just the block that was signed", {
            let mut honest = evidence.clone();
            let input = honest.signed.input.clone();
            let id = (project.chain_id(), project.rollup_id());
            honest.signed =
                SignedBlock::sign(&key, id, 1, evidence.derived.hash, input).expect("signed");
            honest.derived.hash = B256::repeat_byte(2);
            honest
        }),
    ];
    for (words, evidence) in cases.drain(..) {
        save(&evidence);
        let output = check(&file, &datadir);
        assert_eq!(output.status.code(), Some(1));
        let answer = stdout(&output);
        assert!(
            answer.contains("RW-NODE-010") && answer.contains(words),
            "{words}: {answer}"
        );
    }
    fs::write(&file, [1, 2, 3]).expect("written");
    assert!(stdout(&check(&file, &datadir)).contains("RW-NODE-010"));

    let mut later = contradiction(&project, &key, 2);
    later.signed.input.parent.number = 1_000_000;
    let id = (project.chain_id(), project.rollup_id());
    later.signed =
        SignedBlock::sign(&key, id, 1, later.signed.hash, later.signed.input).expect("signed");
    later.derived.number = 1_000_001;
    save(&later);
    assert_eq!(verdict(&check(&file, &datadir)), "open");
}
