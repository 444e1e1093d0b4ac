//! Small contracts written in bytecode, and a genesis with them.

use super::account;
use crate::{
    genesis::{ChainConfig, Genesis},
    predeploy,
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, U256, address, bytes};

pub(in crate::rpc::tests) const CHAIN_ID: u64 = 42_069;
pub(in crate::rpc::tests) const GENESIS_TIME: u64 = 1_700_000_000;
pub(in crate::rpc::tests) const GAS_LIMIT: u64 = 30_000_000;

/// Emits a log of `n` topics: the first `n` words of the call data are the
/// topics, the whole call data is the data.
pub(in crate::rpc::tests) const LOGGERS: [(Address, Bytes); 5] = [
    (
        address!("0x1000000000000000000000000000000000000000"),
        bytes!("365f5f37365fa000"),
    ),
    (
        address!("0x1000000000000000000000000000000000000001"),
        bytes!("365f5f375f35365fa100"),
    ),
    (
        address!("0x1000000000000000000000000000000000000002"),
        bytes!("365f5f376020355f35365fa200"),
    ),
    (
        address!("0x1000000000000000000000000000000000000003"),
        bytes!("365f5f376040356020355f35365fa300"),
    ),
    (
        address!("0x1000000000000000000000000000000000000004"),
        bytes!("365f5f376060356040356020355f35365fa400"),
    ),
];
/// Reverts with its call data.
pub(in crate::rpc::tests) const REVERTER: Address =
    address!("0x2000000000000000000000000000000000000001");
/// Stores the second word of its call data at the slot in the first.
pub(in crate::rpc::tests) const STORER: Address =
    address!("0x2000000000000000000000000000000000000002");
/// Returns the slot that its call data names.
pub(in crate::rpc::tests) const LOADER: Address =
    address!("0x2000000000000000000000000000000000000003");
/// The opcode INVALID.
pub(in crate::rpc::tests) const INVALID: Address =
    address!("0x2000000000000000000000000000000000000004");
/// Never ends.
pub(in crate::rpc::tests) const LOOPER: Address =
    address!("0x2000000000000000000000000000000000000005");
/// Returns NUMBER, TIMESTAMP, COINBASE, BASEFEE, PREVRANDAO and GASLIMIT.
pub(in crate::rpc::tests) const ENVIRONMENT: Address =
    address!("0x2000000000000000000000000000000000000006");
/// Calls the STORER with its call data and all the gas it may hand on, and
/// reverts unless that succeeds.
pub(in crate::rpc::tests) const CALLER: Address =
    address!("0x2000000000000000000000000000000000000007");

fn contracts() -> Vec<(Address, Bytes)> {
    let mut all = LOGGERS.to_vec();
    all.extend([
        (REVERTER, bytes!("365f5f37365ffd")),
        (STORER, bytes!("6020355f355500")),
        (LOADER, bytes!("5f35545f5260205ff3")),
        (INVALID, bytes!("fe")),
        (LOOPER, bytes!("5b5f56")),
        (
            ENVIRONMENT,
            bytes!("435f52426020524160405248606052446080524560a05260c05ff3"),
        ),
        (
            CALLER,
            // CALLDATACOPY; CALL(GAS, STORER, 0, 0, CALLDATASIZE, 0, 0); JUMPI over REVERT
            bytes!(
                "365f5f375f5f365f5f7320000000000000000000000000000000000000025af16026575f5ffd5b00"
            ),
        ),
    ]);
    all
}

pub(in crate::rpc::tests) fn genesis() -> Genesis {
    let mut alloc = predeploy::all();
    for index in 0..10 {
        let ether = U256::from(10).pow(U256::from(18));
        let funded = GenesisAccount::default().with_balance(U256::from(10_000) * ether);
        alloc.insert(account(index), funded);
    }
    for (address, code) in contracts() {
        alloc.insert(
            address,
            GenesisAccount::default()
                .with_code(Some(code))
                .with_nonce(Some(1)),
        );
    }
    Genesis {
        config: ChainConfig::osaka(CHAIN_ID),
        nonce: 0,
        timestamp: GENESIS_TIME,
        extra_data: Bytes::new(),
        gas_limit: GAS_LIMIT,
        difficulty: U256::ZERO,
        mix_hash: B256::ZERO,
        coinbase: Address::ZERO,
        alloc,
        number: 0,
        gas_used: 0,
        parent_hash: B256::ZERO,
        base_fee_per_gas: None,
        excess_blob_gas: None,
        blob_gas_used: None,
    }
}
