use super::{ChainConfig, Genesis, GenesisError};
use alloc::{sync::Arc, vec::Vec};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header, constants::KECCAK_EMPTY};
use alloy_eips::{eip1559::INITIAL_BASE_FEE, eip7685::EMPTY_REQUESTS_HASH};
use alloy_genesis::GenesisAccount;
#[cfg(feature = "std")]
use alloy_primitives::Address;
use alloy_primitives::{B64, B256, Bytes, Keccak256, U256, keccak256};
use alloy_trie::{TrieAccount, root::state_root_unhashed};
use revm::primitives::hardfork::SpecId;
use rollwright_core::{Account, AccountChange, BlockRef, Changes};

/// The genesis block, and the state that it starts with.
#[derive(Clone, Debug)]
pub struct GenesisBlock {
    /// The header; its hash is the rollup id.
    pub header: Header,
    /// Every account of the genesis state, as changes to an empty state.
    pub changes: Changes,
    /// Rules of the chain.
    pub config: Arc<ChainConfig>,
}

impl GenesisBlock {
    /// Number 0 and the genesis hash.
    pub fn block_ref(&self) -> BlockRef {
        BlockRef {
            number: 0,
            hash: self.header.hash_slow(),
        }
    }

    /// The genesis hash, which names the rollup wherever something is signed
    /// or posted.
    pub fn rollup_id(&self) -> B256 {
        self.header.hash_slow()
    }
}

impl Genesis {
    /// Computes the genesis block: the same values, the same hash, on every
    /// node. The file is checked first.
    pub fn block(&self) -> Result<GenesisBlock, GenesisError> {
        self.check()?;
        Ok(GenesisBlock {
            header: self.header(self.state_root()),
            changes: self.changes(),
            config: Arc::new(self.config.prepared()),
        })
    }

    /// Root of the genesis state. Time in proportion to its size, about a
    /// second for a million accounts: ask once.
    pub fn state_root(&self) -> B256 {
        state_root_unhashed(self.alloc.iter().map(|(a, v)| (*a, trie_account(v))))
    }

    /// keccak256 over all that decides the state root: the same accounts, the
    /// same digest. Much cheaper than the root.
    pub fn allocation_digest(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(b"rollwright genesis allocation 1");
        for (address, account) in &self.alloc {
            let code = account.code.as_ref().map_or(&[][..], |code| &**code);
            let storage = account.storage.iter().flatten();
            hasher.update(address);
            hasher.update(account.nonce.unwrap_or_default().to_be_bytes());
            hasher.update(account.balance.to_be_bytes::<32>());
            hasher.update((code.len() as u64).to_be_bytes());
            hasher.update(code);
            hasher.update((storage.clone().count() as u64).to_be_bytes());
            for (key, value) in storage {
                hasher.update(key);
                hasher.update(value);
            }
        }
        hasher.finalize()
    }

    /// The header of the genesis block, whose state has this root.
    pub fn header(&self, state_root: B256) -> Header {
        let config = &self.config;
        // As geth has it: fields of later forks follow from the time, whether or
        // not the chain has merged.
        let timed = config
            .shanghai_time
            .is_some_and(|from| from <= self.timestamp);
        let spec = config.spec_at(0, self.timestamp, timed || config.merged_at_genesis());
        let since = |fork: SpecId| spec.is_enabled_in(fork);
        Header {
            parent_hash: self.parent_hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: self.coinbase,
            state_root,
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            logs_bloom: Default::default(),
            difficulty: self.difficulty,
            number: 0,
            gas_limit: self.gas_limit,
            gas_used: 0,
            timestamp: self.timestamp,
            extra_data: match config.rollwright {
                Some(_) => Bytes::copy_from_slice(config.hash().as_slice()),
                None => self.extra_data.clone(),
            },
            mix_hash: self.mix_hash,
            nonce: B64::from(self.nonce),
            base_fee_per_gas: since(SpecId::LONDON)
                .then(|| self.base_fee_per_gas.unwrap_or(INITIAL_BASE_FEE)),
            withdrawals_root: since(SpecId::SHANGHAI).then_some(EMPTY_ROOT_HASH),
            blob_gas_used: since(SpecId::CANCUN).then(|| self.blob_gas_used.unwrap_or(0)),
            excess_blob_gas: since(SpecId::CANCUN).then(|| self.excess_blob_gas.unwrap_or(0)),
            parent_beacon_block_root: since(SpecId::CANCUN).then_some(B256::ZERO),
            requests_hash: since(SpecId::PRAGUE).then_some(EMPTY_REQUESTS_HASH),
            ..Default::default()
        }
    }

    /// Every account of the genesis state, as changes to an empty state.
    pub(crate) fn changes(&self) -> Changes {
        let accounts = self
            .alloc
            .iter()
            .map(|(address, account)| (*address, change(account)))
            .collect();
        Changes {
            accounts,
            codes: self.codes(),
        }
    }

    /// What an account of the genesis state is, as a change to an empty one.
    #[cfg(feature = "std")]
    pub(crate) fn change(&self, address: &Address) -> Option<AccountChange> {
        self.alloc.get(address).map(change)
    }

    /// The codes of the genesis state by their hashes, ascending.
    pub(crate) fn codes(&self) -> Vec<(B256, Bytes)> {
        let mut codes: Vec<(B256, Bytes)> = self
            .alloc
            .values()
            .filter_map(|account| account.non_empty_code())
            .map(|code| (keccak256(code), code.clone()))
            .collect();
        codes.sort_by_key(|(hash, _)| *hash);
        codes.dedup_by_key(|(hash, _)| *hash);
        codes
    }
}

fn trie_account(account: &GenesisAccount) -> TrieAccount {
    account.clone().into_trie_account()
}

fn change(account: &GenesisAccount) -> AccountChange {
    AccountChange {
        account: Some(Account {
            nonce: account.nonce.unwrap_or_default(),
            balance: account.balance,
            code_hash: account.code_hash().unwrap_or(KECCAK_EMPTY),
        }),
        storage_cleared: false,
        storage: account
            .storage_slots()
            .filter(|(_, value): &(B256, U256)| !value.is_zero())
            .collect(),
    }
}
