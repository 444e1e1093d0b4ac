use alloy_primitives::{Address, Bytes, address, hex};

/// Where the `Anchor` contract stands.
pub const ANCHOR_ADDRESS: Address = address!("0x5257000000000000000000000000000000000001");

/// ABI of the `Anchor` contract, as solc writes it.
pub const ANCHOR_ABI: &str = include_str!("../../contracts/artifacts/Anchor.abi.json");

/// solc's output: hexadecimal text and a newline.
const ANCHOR_HEX: &str = include_str!("../../contracts/artifacts/Anchor.bin");

/// Runtime code of the `Anchor` contract (`contracts/Anchor.sol`).
pub fn anchor_code() -> Bytes {
    // A test decodes the artefact; it is part of this crate.
    hex::decode(ANCHOR_HEX.trim_end())
        .unwrap_or_default()
        .into()
}
