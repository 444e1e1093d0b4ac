use super::dev;
use crate::genesis::{DevGenesis, dev_account};
use alloy_primitives::{U256, address, b256};

#[test]
fn development_keys_are_anvils() {
    let expected = [
        address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        address!("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
        address!("0x90F79bf6EB2c4f870365E785982E1f101E93b906"),
        address!("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
        address!("0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"),
        address!("0x976EA74026E726554dB657fA54763abd0C3a0aa9"),
        address!("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955"),
        address!("0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"),
        address!("0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"),
    ];
    for (index, address) in (0..).zip(expected) {
        assert_eq!(
            dev_account(index).map(|account| account.address),
            Some(address)
        );
    }
    assert_eq!(
        dev_account(0).map(|account| account.key),
        Some(b256!(
            "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
        ))
    );
    assert_eq!(dev_account(1 << 31), None);
}

#[test]
fn as_many_accounts_as_asked_for_are_funded() {
    let rollup = dev().config.rollwright.expect("a rollup");
    for accounts in [0, 1, 25] {
        let mut with = DevGenesis::new(1_700_000_000, rollup.clone());
        with.accounts = accounts;
        let genesis = with.genesis();
        let ether = U256::from(10).pow(U256::from(18));
        let funded = genesis
            .alloc
            .values()
            .filter(|a| a.balance == U256::from(10_000) * ether);
        assert_eq!(funded.count(), accounts as usize);
        assert!(genesis.block().is_ok());
    }
}
