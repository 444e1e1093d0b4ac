//! The methods that belong to no execution module.

use crate::{RpcError, ServerConfig};
use jsonrpsee::{
    Methods, RpcModule,
    types::{
        ErrorObject, ErrorObjectOwned, Params, error::INVALID_PARAMS_CODE, params::ParamsSequence,
    },
};
use rollwright_core::{
    Anchor, B256, BatchInfo, BlockId, BlockRef, Bytes, DaHead, NodeApi, NodeStatus, keccak256,
};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{json, value::RawValue};
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// `rollwright_status`: the node's own, and the head of its DA layer.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(flatten)]
    node: NodeStatus,
    da_head: Option<Head>,
}

#[derive(Clone, Serialize)]
struct Head {
    observed: rollwright_core::DaBlockId,
    finalized: Option<rollwright_core::DaBlockId>,
}

impl From<DaHead> for Head {
    fn from(head: DaHead) -> Self {
        Self {
            observed: head.observed,
            finalized: head.finalized,
        }
    }
}

/// `rollwright_anchor`: the fields, and the preimage that the `Anchor`
/// predeploy opens.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct AnchorAnswer {
    block: BlockRef,
    hash: B256,
    preimage: Bytes,
    version: u8,
    origin: rollwright_core::DaPoint,
    ordinal: u64,
    data_root: B256,
    da_time: u64,
    counterparts: Vec<Counterpart>,
    mailbox: B256,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Counterpart {
    rollup_id: B256,
    number: u64,
    block_hash: B256,
    state_root: B256,
}

impl AnchorAnswer {
    fn new(block: BlockRef, anchor: &Anchor) -> Self {
        Self {
            block,
            hash: anchor.hash(),
            preimage: anchor.encode().into(),
            version: anchor.version,
            origin: anchor.origin,
            ordinal: anchor.ordinal.0,
            data_root: anchor.data_root,
            da_time: anchor.da_time,
            counterparts: anchor
                .counterparts
                .iter()
                .map(|root| Counterpart {
                    rollup_id: root.rollup_id,
                    number: root.number,
                    block_hash: root.block_hash,
                    state_root: root.state_root,
                })
                .collect(),
            mailbox: anchor.mailbox,
        }
    }
}

/// A block number, a tag, or a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BlockArgument {
    Number(u64),
    Hash(B256),
    Latest,
    Safe,
    Finalized,
    Earliest,
}

impl<'de> Deserialize<'de> for BlockArgument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = BlockArgument;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a block number, a block hash, or latest, safe, finalized, earliest")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(BlockArgument::Number(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let invalid = || E::invalid_value(de::Unexpected::Str(text), &self);
                Ok(match text {
                    "latest" | "pending" => BlockArgument::Latest,
                    "safe" => BlockArgument::Safe,
                    "finalized" => BlockArgument::Finalized,
                    "earliest" => BlockArgument::Earliest,
                    _ => match text.strip_prefix("0x") {
                        Some(hex) if hex.len() == 64 => {
                            BlockArgument::Hash(text.parse().map_err(|_| invalid())?)
                        }
                        Some(hex) => BlockArgument::Number(
                            u64::from_str_radix(hex, 16).map_err(|_| invalid())?,
                        ),
                        None => BlockArgument::Number(text.parse().map_err(|_| invalid())?),
                    },
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl BlockArgument {
    fn resolve(&self, node: &dyn NodeApi) -> BlockId {
        match self {
            Self::Number(number) => BlockId::Number(*number),
            Self::Hash(hash) => BlockId::Hash(*hash),
            Self::Latest => BlockId::Hash(node.heads().latest.hash),
            Self::Safe => BlockId::Hash(node.heads().safe.hash),
            Self::Finalized => BlockId::Hash(node.heads().finalized.hash),
            Self::Earliest => BlockId::Number(0),
        }
    }
}

type Answer<T> = Result<T, ErrorObjectOwned>;

/// Methods that list the others.
const LISTINGS: [&str; 2] = ["rpc_methods", "rpc_modules"];

/// Adds this crate's methods to the modules'; `rpc_modules` lists their name
/// spaces, `rpc_methods` them all.
pub(crate) fn with_own(
    mut methods: Methods,
    node: &Arc<dyn NodeApi>,
    config: &ServerConfig,
) -> Result<Methods, RpcError> {
    let mut module = RpcModule::new(Arc::clone(node));
    rollwright(&mut module)?;
    network(&mut module, config, node.status().chain_id)?;
    methods.merge(module)?;
    let names = names(&methods);
    let spaces: BTreeMap<&'static str, &'static str> = names
        .iter()
        .filter_map(|name| Some((name.split_once('_')?.0, "1.0")))
        .collect();
    let mut listing = RpcModule::new(());
    listing.register_method("rpc_modules", move |params, _, _| {
        none(&params)?;
        Answer::Ok(spaces.clone())
    })?;
    listing.register_method("rpc_methods", move |params, _, _| {
        none(&params)?;
        Answer::Ok(json!({"methods": names}))
    })?;
    methods.merge(listing)?;
    Ok(methods)
}

/// All methods by name, those included that list the others.
fn names(methods: &Methods) -> Vec<&'static str> {
    let mut names: Vec<_> = methods.method_names().chain(LISTINGS).collect();
    names.sort_unstable();
    names
}

/// The names of all methods that a server answers: those of `methods`, and this
/// crate's own, ascending.
pub fn method_names(
    methods: Methods,
    node: &Arc<dyn NodeApi>,
) -> Result<Vec<&'static str>, RpcError> {
    let methods = with_own(methods, node, &ServerConfig::default())?;
    let mut names: Vec<_> = methods.method_names().collect();
    names.sort_unstable();
    Ok(names)
}

fn rollwright(module: &mut RpcModule<Arc<dyn NodeApi>>) -> Result<(), RpcError> {
    module.register_method("rollwright_status", |params, node, _| {
        none(&params)?;
        let node = node.status();
        let da_head = node.da_head.map(Head::from);
        Answer::Ok(Status { node, da_head })
    })?;
    module.register_method("rollwright_heads", |params, node, _| {
        none(&params)?;
        Answer::Ok(node.heads())
    })?;
    module.register_method("rollwright_getBatchByBlock", |params, node, _| {
        let block = optional_block(&params)?;
        let number = match block.resolve(node.as_ref()) {
            BlockId::Number(number) => Some(number),
            BlockId::Hash(hash) => canonical_number(node.as_ref(), hash),
        };
        Answer::<Option<BatchInfo>>::Ok(number.and_then(|number| node.batch_of(number)))
    })?;
    module.register_method("rollwright_anchor", |params, node, _| {
        let block = optional_block(&params)?.resolve(node.as_ref());
        Answer::Ok(node.block(block).and_then(|record| {
            let anchor = record.anchor.as_ref()?;
            Some(AnchorAnswer::new(record.block, anchor))
        }))
    })?;
    Ok(())
}

/// A batch carries canonical blocks alone.
fn canonical_number(node: &dyn NodeApi, hash: B256) -> Option<u64> {
    let number = node.block(BlockId::Hash(hash))?.block.number;
    let canonical = node.block(BlockId::Number(number))?.block.hash;
    (canonical == hash).then_some(number)
}

fn network(
    module: &mut RpcModule<Arc<dyn NodeApi>>,
    config: &ServerConfig,
    chain_id: u64,
) -> Result<(), RpcError> {
    let version = config.client_version.clone();
    module.register_method("web3_clientVersion", move |params, _, _| {
        none(&params)?;
        Answer::Ok(version.clone())
    })?;
    module.register_method("web3_sha3", |params, _, _| {
        let data: Bytes = one(&params)?;
        Answer::Ok(keccak256(data))
    })?;
    let network = chain_id.to_string();
    module.register_method("net_version", move |params, _, _| {
        none(&params)?;
        Answer::Ok(network.clone())
    })?;
    module.register_method("net_listening", |params, _, _| {
        none(&params)?;
        Answer::Ok(true)
    })?;
    // DA is the only source of truth: there are no peers.
    module.register_method("net_peerCount", |params, _, _| {
        none(&params)?;
        Answer::Ok(Cow::from("0x0"))
    })?;
    Ok(())
}

/// The first parameter as a block; latest without one.
fn optional_block(params: &Params<'_>) -> Answer<BlockArgument> {
    let mut sequence = params.sequence();
    let block = sequence.optional_next::<BlockArgument>();
    let block = block.map_err(|error| argument(0, &error))?;
    at_most(1, sequence)?;
    Ok(block.unwrap_or(BlockArgument::Latest))
}

/// No parameters.
fn none(params: &Params<'_>) -> Answer<()> {
    at_most(0, params.sequence())
}

/// The only parameter.
fn one<T: serde::de::DeserializeOwned>(params: &Params<'_>) -> Answer<T> {
    let mut sequence = params.sequence();
    let found = sequence.optional_next::<T>();
    let found = found.map_err(|error| argument(0, &error))?;
    at_most(1, sequence)?;
    found.ok_or_else(|| invalid("missing value for required argument 0"))
}

/// Refuses what nobody reads.
fn at_most(count: usize, mut rest: ParamsSequence<'_>) -> Answer<()> {
    match rest.optional_next::<de::IgnoredAny>() {
        Ok(None) => Ok(()),
        _ => Err(invalid(format!("too many arguments, want at most {count}"))),
    }
}

fn invalid(message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObject::owned(INVALID_PARAMS_CODE, message, None::<()>)
}

/// What the parser says of a parameter, in geth's frame and without the
/// position, which counts from the parameter's start and means nothing to the
/// caller.
fn argument(index: usize, error: &ErrorObjectOwned) -> ErrorObjectOwned {
    let data = error.data().map(RawValue::get);
    let said = data.and_then(|data| serde_json::from_str::<String>(data).ok());
    let said = said.unwrap_or_else(|| error.message().to_owned());
    let words = match said.rsplit_once(" at line ") {
        Some((words, place)) if place.contains(" column ") => words,
        _ => &said,
    };
    let words: String = words.chars().take(256).collect();
    invalid(format!("invalid argument {index}: {words}"))
}
