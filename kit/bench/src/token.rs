//! The benchmark's ERC-20 token: `contracts/Token.sol`.

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_sol_types::{SolCall, sol};
use anyhow::{Context, Result};

sol! {
    function mint(address[] holders, uint256 value);
    function transfer(address to, uint256 value) returns (bool);
    function balanceOf(address holder) returns (uint256);
    function spin();
}

/// Code that creates the token; made by `contracts/build.mjs`.
pub fn creation_code() -> Result<Bytes> {
    const HEX: &str = include_str!("../contracts/artifacts/Token.bin");
    Ok(hex::decode(HEX.trim())
        .context("the token's artefact")?
        .into())
}

/// Call data of `mint`.
pub fn mint(holders: Vec<Address>, value: U256) -> Bytes {
    mintCall { holders, value }.abi_encode().into()
}

/// Call data of `transfer`.
pub fn transfer(to: Address, value: U256) -> Bytes {
    transferCall { to, value }.abi_encode().into()
}

/// Call data of `balanceOf`.
pub fn balance_of(holder: Address) -> Bytes {
    balanceOfCall { holder }.abi_encode().into()
}

/// Call data of a function that runs until its gas is used up.
pub fn spin() -> Bytes {
    spinCall {}.abi_encode().into()
}
