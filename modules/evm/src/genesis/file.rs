use super::{ChainConfig, GenesisError, forks::conflict, keys, number, quick};
use crate::predeploy;
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A `genesis.json` in the shape that geth reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Genesis {
    /// Rules of the chain.
    pub config: ChainConfig,
    /// Header field; 0 after the merge.
    #[serde(default, with = "number::quantity")]
    pub nonce: u64,
    /// Unix seconds. A rollup's lies below its first DA block's time.
    #[serde(with = "number::quantity")]
    pub timestamp: u64,
    /// Header field. Empty for a rollup, whose header holds the hash of
    /// `config` there.
    #[serde(default)]
    pub extra_data: Bytes,
    /// Block gas limit.
    #[serde(with = "number::quantity")]
    pub gas_limit: u64,
    /// Header field; 0 after the merge.
    #[serde(default)]
    pub difficulty: U256,
    /// Header field.
    #[serde(default)]
    pub mix_hash: B256,
    /// Header field.
    #[serde(default)]
    pub coinbase: Address,
    /// Accounts of the genesis state.
    #[serde(default)]
    pub alloc: BTreeMap<Address, GenesisAccount>,
    /// Block number; always 0.
    #[serde(default, with = "number::quantity", skip_serializing_if = "is_zero")]
    pub number: u64,
    /// Header field; always 0.
    #[serde(default, with = "number::quantity", skip_serializing_if = "is_zero")]
    pub gas_used: u64,
    /// Header field; zero in a real genesis.
    #[serde(default, skip_serializing_if = "B256::is_zero")]
    pub parent_hash: B256,
    /// Header field; 1 gwei where London holds at genesis and it is absent.
    #[serde(
        default,
        with = "number::optional_quantity",
        skip_serializing_if = "Option::is_none"
    )]
    pub base_fee_per_gas: Option<u64>,
    /// Header field; 0 where Cancun holds at genesis and it is absent.
    #[serde(
        default,
        with = "number::optional_quantity",
        skip_serializing_if = "Option::is_none"
    )]
    pub excess_blob_gas: Option<u64>,
    /// Header field; 0 where Cancun holds at genesis and it is absent.
    #[serde(
        default,
        with = "number::optional_quantity",
        skip_serializing_if = "Option::is_none"
    )]
    pub blob_gas_used: Option<u64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Genesis {
    /// Reads and checks a `genesis.json`.
    ///
    /// Unknown keys are refused anywhere in the file. For a rollup (an object
    /// `config.rollwright`) it is also checked that the forks which a rollup
    /// block needs hold from genesis on, that the gas limit is the
    /// configuration's, and that Ethereum's own contracts are in the state. An
    /// address that stands twice in `alloc` is refused.
    ///
    /// Takes the memory of the result, and of the text.
    pub fn from_json(text: &str) -> Result<Self, GenesisError> {
        match quick::parse(text)? {
            Some(genesis) => Ok(genesis),
            None => Self::by_value(text),
        }
    }

    /// Reads an Ethereum chain's file as geth writes it: as
    /// [`from_json`](Self::from_json), except that keys are passed over which
    /// geth writes and which decide nothing (`eip150Hash`, a hash that light
    /// clients compared).
    ///
    /// Takes several times the text's memory.
    pub fn from_geth_json(text: &str) -> Result<Self, GenesisError> {
        let mut value: Value = serde_json::from_str(text).map_err(|error| GenesisError::Json {
            reason: error.to_string(),
        })?;
        let config = value.get_mut("config").and_then(Value::as_object_mut);
        if let Some(config) = config {
            config.remove("eip150Hash");
        }
        Self::from_value(&value)
    }

    /// Says what is wrong where `quick` does not; takes several times the
    /// text's memory.
    pub(super) fn by_value(text: &str) -> Result<Self, GenesisError> {
        let value: Value = serde_json::from_str(text).map_err(|error| GenesisError::Json {
            reason: error.to_string(),
        })?;
        Self::from_value(&value)
    }

    fn from_value(value: &Value) -> Result<Self, GenesisError> {
        keys::check(value)?;
        if let Some(rollup) = value
            .get("config")
            .and_then(|config| config.get("rollwright"))
        {
            parse::<rollwright_derive::RollupConfig>(rollup, "config.rollwright")?;
        }
        if let Some(config) = value.get("config") {
            parse::<ChainConfig>(config, "config")?;
        }
        let genesis: Self = parse(value, "genesis")?;
        genesis.check()?;
        Ok(genesis)
    }

    /// The file's text, with a final newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Checks that the values fit together, as [`from_json`](Self::from_json)
    /// does.
    pub fn check(&self) -> Result<(), GenesisError> {
        self.config.check_forks()?;
        for (path, value) in [("number", self.number), ("gasUsed", self.gas_used)] {
            if value != 0 {
                return Err(conflict(
                    path,
                    format!("is {value}"),
                    "a genesis block has 0 here",
                ));
            }
        }
        if self.gas_limit < 5_000 {
            return Err(conflict(
                "gasLimit",
                format!("{} lies below Ethereum's minimum of 5000", self.gas_limit),
                "a rollup usually has 0x3b9aca00 (1,000,000,000)",
            ));
        }
        match &self.config.rollwright {
            Some(rollup) => self.check_rollup(rollup),
            None if self.extra_data.len() > 32 => Err(conflict(
                "extraData",
                format!("has {} bytes", self.extra_data.len()),
                "at most 32 are allowed",
            )),
            None => Ok(()),
        }
    }

    fn check_rollup(&self, rollup: &rollwright_derive::RollupConfig) -> Result<(), GenesisError> {
        let config = &self.config;
        rollup.validate()?;
        if config.chain_id == 0 {
            return Err(conflict(
                "config.chainId",
                "0 is reserved".into(),
                "choose a number that no other chain uses (chainlist.org)",
            ));
        }
        if !config.merged_at_genesis() {
            return Err(conflict(
                "config.terminalTotalDifficulty",
                "a rollup has no proof of work".into(),
                "set it to 0",
            ));
        }
        if config.london_block != Some(0) {
            return Err(conflict(
                "config.londonBlock",
                "a rollup follows London's rules from genesis on".into(),
                "set it and all block forks before it to 0",
            ));
        }
        for (key, time) in [
            ("cancunTime", config.cancun_time),
            ("shanghaiTime", config.shanghai_time),
        ] {
            if time.is_none_or(|time| time > self.timestamp) {
                return Err(conflict(
                    &format!("config.{key}"),
                    "a rollup's blocks carry their anchor in EIP-4788's field".into(),
                    "let this fork be active at genesis: set it to 0",
                ));
            }
        }
        if let Some(entry) = rollup.gas_limit.first()
            && entry.gas != self.gas_limit
        {
            return Err(conflict(
                "gasLimit",
                format!(
                    "is {}, and config.rollwright.gasLimit starts with {}",
                    self.gas_limit, entry.gas
                ),
                "make them equal",
            ));
        }
        let hash = config.hash();
        if !self.extra_data.is_empty() && self.extra_data != *hash.as_slice() {
            return Err(conflict(
                "extraData",
                format!("a rollup's genesis block holds the hash of `config` there, {hash}"),
                "remove it",
            ));
        }
        self.check_empty_accounts()?;
        config.check_switches()?;
        config.check_precompiles()?;
        self.check_system_contracts()
    }

    /// EIP-7610: nothing is created where storage is. Blocks make no account
    /// with storage and neither code nor nonce, so it holds if genesis has
    /// none.
    fn check_empty_accounts(&self) -> Result<(), GenesisError> {
        let odd = self.alloc.iter().find(|(_, account)| {
            let stored = account.storage.iter().flatten();
            account.nonce.unwrap_or_default() == 0
                && account.code.as_ref().is_none_or(|code| code.is_empty())
                && stored.into_iter().any(|(_, value)| !value.is_zero())
        });
        match odd {
            None => Ok(()),
            Some((address, _)) => Err(conflict(
                &format!("alloc.{address}"),
                "has storage, and neither code nor a nonce".into(),
                "remove the storage, or give it a nonce (EIP-7610: no contract could be created there)",
            )),
        }
    }

    /// Ethereum's own contracts, where the rules of a block need them.
    fn check_system_contracts(&self) -> Result<(), GenesisError> {
        for (address, code, since) in predeploy::system_contracts() {
            let needed = match since {
                predeploy::Since::Cancun => true,
                predeploy::Since::Prague => self.config.prague_time.is_some(),
            };
            let found = self
                .alloc
                .get(&address)
                .and_then(|account| account.code.as_ref());
            if needed && found != Some(&code) {
                return Err(conflict(
                    &format!("alloc.{address}"),
                    match found {
                        Some(_) => "holds other code than a rollup's".into(),
                        None => "is missing; every block calls this contract".into(),
                    },
                    "start from `rollwright new`, or copy the account from a generated genesis.json",
                ));
            }
        }
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(value: &Value, path: &str) -> Result<T, GenesisError> {
    T::deserialize(value).map_err(|error| GenesisError::Value {
        path: path.into(),
        reason: error.to_string(),
    })
}
