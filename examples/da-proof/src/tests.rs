use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_is_accepted_with_its_proof_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let end = run(folder.path()).await.expect("runs");
    assert!(end.published > 1);
    assert_eq!(end.accepted, end.published);
    assert_eq!(end.forged, [false; 3]);
    assert!((30_000..500_000).contains(&end.gas), "{}", end.gas);
}
