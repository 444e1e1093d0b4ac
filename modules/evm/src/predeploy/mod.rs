//! Contracts that stand in the genesis state.
//!
//! Ethereum's own stand at Ethereum's addresses. The kit's stand at
//! `0x5257…0000` to `0x5257…ffff` (`5257` is "RW"): no key is known for them,
//! and no deployment can reach them.
//!
//! | address | what |
//! |---|---|
//! | `0x000F…Beac02` | EIP-4788: anchor hashes by block time |
//! | `0x0000…2935` | EIP-2935: hashes of the last 8,191 blocks |
//! | `0x0000…7002`, `0x0000…7251` | EIP-7002, EIP-7251: no requests (see [`NO_REQUESTS_CODE`]) |
//! | `0x4e59…956C` | deterministic deployment proxy, RIP-7740 |
//! | `0x914d…43d7` | Safe's singleton factory, RIP-7740, where [`factories`] adds it |
//! | `0xba5E…a5Ed` | CreateX, RIP-7740, where [`create_x`] adds it |
//! | `0x5257…0001` | [`ANCHOR_ADDRESS`]: opens anchors |
//! | `0x5257…0002` | [`L1_ORIGIN_ADDRESS`]: RIP-7859, where [`l1_origin`] adds it |

mod anchor;
mod deployers;
mod origin;

pub use anchor::{ANCHOR_ABI, ANCHOR_ADDRESS, anchor_code};
pub use deployers::{
    CREATE_X_ADDRESS, CREATE_X_CODE_HASH, SAFE_FACTORY_ADDRESS, WrongCode, create_x, factories,
};

pub use origin::{L1_ORIGIN_ABI, L1_ORIGIN_ADDRESS, l1_origin, l1_origin_code};

use alloc::collections::BTreeMap;
use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, address, bytes};

/// The deterministic deployment proxy that RIP-7740 names: anyone creates a
/// contract at an address that depends on salt and code alone.
pub const DEPLOYER_ADDRESS: Address = address!("0x4e59b44847b379578588920cA78FbF26c0B4956C");

/// Runtime code of the proxy: CREATE2 with the first word of the call data as
/// salt and the rest as init code.
pub static DEPLOYER_CODE: Bytes = bytes!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// What stands at the addresses of EIP-7002 and EIP-7251: returns nothing to
/// the system address, so a block holds no requests, and reverts to everybody
/// else, so nobody can queue one.
///
/// ```text
/// CALLER PUSH20 0xff…fe EQ PUSH1 0x1d JUMPI PUSH0 PUSH0 REVERT
/// 0x1d: JUMPDEST STOP
/// ```
pub static NO_REQUESTS_CODE: Bytes =
    bytes!("3373fffffffffffffffffffffffffffffffffffffffe14601d575f5ffd5b00");

/// The fork from which on a block calls a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Cancun.
    Cancun,
    /// Prague.
    Prague,
}

/// Ethereum's own contracts: address, code, and since when blocks call them.
pub fn system_contracts() -> [(Address, Bytes, Since); 4] {
    [
        (
            eip4788::BEACON_ROOTS_ADDRESS,
            eip4788::BEACON_ROOTS_CODE.clone(),
            Since::Cancun,
        ),
        (
            eip2935::HISTORY_STORAGE_ADDRESS,
            eip2935::HISTORY_STORAGE_CODE.clone(),
            Since::Prague,
        ),
        (
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            NO_REQUESTS_CODE.clone(),
            Since::Prague,
        ),
        (
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            NO_REQUESTS_CODE.clone(),
            Since::Prague,
        ),
    ]
}

/// What stands at an address with this code, where this crate knows it.
pub fn what(address: Address, code: &Bytes) -> Option<&'static str> {
    let known: [(Address, Bytes, &str); 4] = [
        (
            L1_ORIGIN_ADDRESS,
            l1_origin_code(),
            "L1Origin: the L1 blocks that anchors name (RIP-7859)",
        ),
        (
            DEPLOYER_ADDRESS,
            DEPLOYER_CODE.clone(),
            "deterministic deployment proxy (RIP-7740)",
        ),
        (
            SAFE_FACTORY_ADDRESS,
            DEPLOYER_CODE.clone(),
            "Safe singleton factory (RIP-7740)",
        ),
        (
            ANCHOR_ADDRESS,
            anchor_code(),
            "Anchor: opens the anchors of blocks",
        ),
    ];
    if let Some((.., what)) = known
        .iter()
        .find(|(at, is, _)| (at, is) == (&address, code))
    {
        return Some(what);
    }
    if address == CREATE_X_ADDRESS && alloy_primitives::keccak256(code) == CREATE_X_CODE_HASH {
        return Some("CreateX (RIP-7740)");
    }
    let mut own = system_contracts().into_iter();
    own.find(|(at, is, _)| (at, is) == (&address, code))
        .map(|(at, ..)| match at {
            eip4788::BEACON_ROOTS_ADDRESS => "EIP-4788: anchor hashes by block time",
            eip2935::HISTORY_STORAGE_ADDRESS => "EIP-2935: hashes of the last 8,191 blocks",
            _ => "no requests",
        })
}

/// True for the addresses at which Ethereum's own contracts stand.
pub fn is_ethereums(address: Address) -> bool {
    system_contracts().iter().any(|(at, ..)| *at == address)
}

/// Every predeploy as an account of `genesis.json`. Contracts have nonce 1, as
/// deployed ones do.
pub fn all() -> BTreeMap<Address, GenesisAccount> {
    let own = [
        (DEPLOYER_ADDRESS, DEPLOYER_CODE.clone()),
        (ANCHOR_ADDRESS, anchor_code()),
    ];
    system_contracts()
        .into_iter()
        .map(|(address, code, _)| (address, code))
        .chain(own)
        .map(|(address, code)| {
            let account = GenesisAccount::default()
                .with_nonce(Some(1))
                .with_code(Some(code));
            (address, account)
        })
        .collect()
}

#[cfg(test)]
mod tests;
