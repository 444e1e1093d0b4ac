use super::*;

#[test]
fn the_story_has_its_end_and_can_be_continued() {
    let folder = tempfile::tempdir().expect("a folder");
    let ether = |amount: u64| U256::from(amount) * U256::from(10).pow(U256::from(18));
    let first = run(folder.path()).expect("runs");
    assert_eq!((first.block, first.friend), (3, ether(6)));
    assert_eq!(first.sum, U256::from(42));
    // Another deployment has another address, so it starts at nothing.
    let second = run(folder.path()).expect("runs on the same folder");
    assert_eq!((second.block, second.friend), (6, ether(12)));
    assert_eq!(second.sum, U256::from(42));
}

#[test]
fn what_can_never_be_included_is_dropped_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut chain = Chain::open(folder.path()).expect("opens");
    let mut wallet = Wallet::funded(chain.id(), 0).expect("a wallet");
    let mut again = Wallet::funded(chain.id(), 0).expect("a wallet");
    for (wallet, wei) in [(&mut wallet, 1), (&mut again, 2)] {
        let transaction = wallet.transfer(FRIEND, U256::from(wei)).expect("signs");
        chain.submit(transaction).expect("admitted");
    }
    let made = chain.produce().expect("a block");
    assert_eq!(made.block.transactions, 1);
    assert!(made.dropped[0].1.contains("nonce"), "{:?}", made.dropped);
    assert_eq!(chain.account(FRIEND).expect("reads").balance, U256::from(1));
}
