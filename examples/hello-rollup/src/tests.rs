use super::*;

#[tokio::test]
async fn a_transfer_arrives_becomes_safe_and_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, balance) = run(folder.path()).await.expect("runs");
    assert!(first > 0, "the genesis block holds no transfer");
    assert_eq!(balance, U256::from(1));
    let (second, balance) = run(folder.path()).await.expect("runs again");
    assert!(second > first);
    assert_eq!(balance, U256::from(2));
}
