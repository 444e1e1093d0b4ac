use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, address, hex};

/// Where the `L1Origin` contract stands, in chains that have it.
pub const L1_ORIGIN_ADDRESS: Address = address!("0x5257000000000000000000000000000000000002");

/// ABI of the `L1Origin` contract, as solc writes it.
pub const L1_ORIGIN_ABI: &str = include_str!("../../contracts/artifacts/L1Origin.abi.json");

/// solc's output: hexadecimal text and a newline.
const L1_ORIGIN_HEX: &str = include_str!("../../contracts/artifacts/L1Origin.bin");

/// Runtime code of the `L1Origin` contract (`contracts/L1Origin.sol`).
pub fn l1_origin_code() -> Bytes {
    // A test decodes the artefact; it is part of this crate.
    hex::decode(L1_ORIGIN_HEX.trim_end())
        .unwrap_or_default()
        .into()
}

/// RIP-7859's getters over the `Anchor` contract, as an account of
/// `genesis.json`: for a rollup whose DA layer is Ethereum.
pub fn l1_origin() -> (Address, GenesisAccount) {
    let account = GenesisAccount::default()
        .with_nonce(Some(1))
        .with_code(Some(l1_origin_code()));
    (L1_ORIGIN_ADDRESS, account)
}
