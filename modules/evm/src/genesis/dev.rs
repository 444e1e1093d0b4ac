use super::{ChainConfig, Genesis};
use crate::predeploy;
use alloc::{collections::BTreeMap, string::String};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, U256, hex};
use bip32::{ChildNumber, XPrv};
use rollwright_derive::RollupConfig;

/// Chain id of a development chain, unless another is asked for.
pub const DEV_CHAIN_ID: u64 = 42069;

/// Gas limit of a development chain.
pub const DEV_GAS_LIMIT: u64 = 1_000_000_000;

/// The mnemonic of development keys, the same as anvil's and hardhat's.
/// Everybody knows these keys: never fund them on a public network.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// BIP-39 seed of [`DEV_MNEMONIC`] with an empty passphrase.
const DEV_SEED: [u8; 64] = hex!(
    "9dfc3c64c2f8bede1533b6a79f8570e5943e0b8fd1cf77107adf7b72cef42185d564a3aee24cab43f80e3c4538087d70fc824eabbad596a23c97b6ee8322ccc0"
);

/// A development account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevAccount {
    /// Its address.
    pub address: Address,
    /// Its well-known secret key.
    pub key: B256,
}

/// Development account `index`: BIP-32 path m/44'/60'/0'/0/index of
/// [`DEV_MNEMONIC`]. `None` from 2^31 on, and for the indices (none is known)
/// whose derivation BIP-32 declares invalid.
pub fn dev_account(index: u32) -> Option<DevAccount> {
    child(&parent()?, index)
}

/// The first development accounts, in order.
fn dev_accounts(count: u32) -> impl Iterator<Item = DevAccount> {
    let parent = parent();
    (0..count).filter_map(move |index| child(parent.as_ref()?, index))
}

/// The node m/44'/60'/0'/0.
fn parent() -> Option<XPrv> {
    let mut node = XPrv::new(DEV_SEED).ok()?;
    for (index, hardened) in [(44, true), (60, true), (0, true), (0, false)] {
        node = node
            .derive_child(ChildNumber::new(index, hardened).ok()?)
            .ok()?;
    }
    Some(node)
}

fn child(parent: &XPrv, index: u32) -> Option<DevAccount> {
    let node = parent
        .derive_child(ChildNumber::new(index, false).ok()?)
        .ok()?;
    let key = node.private_key();
    Some(DevAccount {
        address: Address::from_public_key(key.verifying_key()),
        key: B256::from_slice(&key.to_bytes()),
    })
}

/// What a development chain may choose.
#[derive(Clone, Debug)]
pub struct DevGenesis {
    /// Chain id.
    pub chain_id: u64,
    /// Number of funded accounts, from index 0 on.
    pub accounts: u32,
    /// Balance of each, in wei.
    pub balance: U256,
    /// Unix seconds of the genesis block.
    pub timestamp: u64,
    /// Consensus configuration; its first gas limit is the genesis block's.
    pub rollup: RollupConfig,
}

impl DevGenesis {
    /// Ten accounts with 10,000 ether each, under Osaka's rules.
    pub fn new(timestamp: u64, rollup: RollupConfig) -> Self {
        Self {
            chain_id: DEV_CHAIN_ID,
            accounts: 10,
            balance: U256::from(10_000) * U256::from(10).pow(U256::from(18)),
            timestamp,
            rollup,
        }
    }

    /// The `genesis.json`: funded accounts and all predeploys.
    pub fn genesis(self) -> Genesis {
        let mut alloc: BTreeMap<Address, GenesisAccount> = predeploy::all();
        for account in dev_accounts(self.accounts) {
            alloc.insert(
                account.address,
                GenesisAccount::default().with_balance(self.balance),
            );
        }
        let gas_limit = self
            .rollup
            .gas_limit
            .first()
            .map_or(DEV_GAS_LIMIT, |entry| entry.gas);
        let mut config = ChainConfig::osaka(self.chain_id);
        config.rollwright = Some(self.rollup);
        Genesis {
            config,
            nonce: 0,
            timestamp: self.timestamp,
            extra_data: Default::default(),
            gas_limit,
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
}

impl core::fmt::Display for DevAccount {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let text: String = alloc::format!("{} (key {})", self.address, self.key);
        f.write_str(&text)
    }
}
