//! A `genesis.json` read without a tree of values in between, which for a state
//! of many accounts would take several times its memory.

use super::{Genesis, GenesisError, keys};
use alloc::{
    collections::{BTreeMap, btree_map::Entry},
    format,
    string::String,
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::Address;
use core::fmt;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

/// Reads and checks a whole file. `None` where anything is wrong with it but
/// for an address that stands there twice: which value counts must not depend
/// on the reader.
pub(super) fn parse(text: &str) -> Result<Option<Genesis>, GenesisError> {
    let Ok(mut keys) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) else {
        return Ok(None);
    };
    let accounts = keys.remove("alloc");
    let Some(mut genesis) = without_accounts(keys) else {
        return Ok(None);
    };
    if let Some(accounts) = accounts {
        let mut twice = None;
        let mut reader = serde_json::Deserializer::from_str(accounts.get());
        let read = Accounts { twice: &mut twice }.deserialize(&mut reader);
        if let Some(address) = twice {
            return Err(GenesisError::Value {
                path: format!("alloc.{address}"),
                reason: "stands there twice; remove one of the two".into(),
            });
        }
        let Ok(Some(accounts)) = read else {
            return Ok(None);
        };
        genesis.alloc = accounts;
    }
    Ok(genesis.check().is_ok().then_some(genesis))
}

/// The file but for its accounts.
fn without_accounts(keys: BTreeMap<String, &RawValue>) -> Option<Genesis> {
    let mut file = Map::new();
    for (key, raw) in keys {
        file.insert(key, serde_json::from_str(raw.get()).ok()?);
    }
    let file = Value::Object(file);
    keys::check(&file).ok()?;
    Genesis::deserialize(&file).ok()
}

/// Reads `alloc`; `None` where an account has a key that is not one of geth's.
struct Accounts<'a> {
    twice: &'a mut Option<Address>,
}

type Alloc = BTreeMap<Address, GenesisAccount>;

impl<'de> DeserializeSeed<'de> for Accounts<'_> {
    type Value = Option<Alloc>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Alloc>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Accounts<'_> {
    type Value = Option<Alloc>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("accounts by address")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Alloc>, A::Error> {
        let mut accounts = Alloc::new();
        let mut known = true;
        while let Some((address, account)) = map.next_entry::<Address, GenesisAccount>()? {
            known &= account.private_key.is_none();
            match accounts.entry(address) {
                Entry::Vacant(place) => {
                    place.insert(account);
                }
                Entry::Occupied(_) => *self.twice = Some(address),
            }
        }
        Ok(known.then_some(accounts))
    }
}
