//! The other factories of RIP-7740, for chains that want them in genesis.

use super::DEPLOYER_CODE;
use alloc::collections::BTreeMap;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, address, b256, keccak256};

/// Safe's singleton factory. The code is that of
/// [`DEPLOYER_CODE`]: npm's `@safe-global/safe-singleton-factory` 2.0.0
/// publishes the transactions that deploy it.
pub const SAFE_FACTORY_ADDRESS: Address = address!("0x914d7Fec6aaC8cd542e72Bca78B30650d45643d7");

/// CreateX.
pub const CREATE_X_ADDRESS: Address = address!("0xba5Ed099633D3B313e4D5F7bdc1305d3c28ba5Ed");

/// Hash of CreateX's runtime code, as its authors publish it.
pub const CREATE_X_CODE_HASH: B256 =
    b256!("0xbd8a7ea8cfca7b4e5f5041d7d4b17bc317c5ce42cfbc42066a00cf26b43eb53f");

/// The code is not the one that stands at that address on other chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code's hash is {found}, that of the contract at {address} is {expected}")]
pub struct WrongCode {
    /// Where it was to stand.
    pub address: Address,
    /// The hash of the code that stands there elsewhere.
    pub expected: B256,
    /// The hash of the code that was given.
    pub found: B256,
}

/// The factories of RIP-7740 whose code this crate has, as accounts of
/// `genesis.json`: the deterministic deployment proxy and Safe's.
pub fn factories() -> BTreeMap<Address, GenesisAccount> {
    [super::DEPLOYER_ADDRESS, SAFE_FACTORY_ADDRESS]
        .map(|address| (address, contract(DEPLOYER_CODE.clone())))
        .into()
}

/// CreateX as an account of `genesis.json`. Its code is under another licence
/// than this crate and not in it: whoever wants it brings it, and the hash is
/// checked.
pub fn create_x(code: Bytes) -> Result<(Address, GenesisAccount), WrongCode> {
    let found = keccak256(&code);
    if found != CREATE_X_CODE_HASH {
        return Err(WrongCode {
            address: CREATE_X_ADDRESS,
            expected: CREATE_X_CODE_HASH,
            found,
        });
    }
    Ok((CREATE_X_ADDRESS, contract(code)))
}

fn contract(code: Bytes) -> GenesisAccount {
    GenesisAccount::default()
        .with_nonce(Some(1))
        .with_code(Some(code))
}
