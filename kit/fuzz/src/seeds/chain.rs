//! Configurations: of a chain, of a node.

use super::CHAIN_ID;
use crate::Seed;
use alloy_primitives::{Address, B256, Bytes, U256, b256, hex};
use rollwright_core::DaOrdinal;
use rollwright_derive::{
    Amendment, AmendmentChange, CodecId, DevChain, KeySigner, PartSigner, RollupConfig,
    SequencingPolicy,
};
use rollwright_evm::genesis::{DevGenesis, Genesis};
use std::sync::OnceLock;

/// The key of the funded account: Anvil's and Hardhat's first.
pub(crate) const DEV_KEY: B256 =
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

/// A contract that stores its second calldata word at the slot that the first
/// one names, and logs.
pub(crate) const WRITER: Address = Address::repeat_byte(0xc0);
const WRITER_CODE: [u8; 15] = hex!("60203560003555600060006000a100");

/// The rules of a development chain.
pub(crate) fn rollup() -> RollupConfig {
    let signer = KeySigner::new(DEV_KEY).expect("a valid key");
    RollupConfig::dev(DevChain {
        sequencer: signer.address(),
        fee_vault: Address::repeat_byte(0xfe),
        ..DevChain::default()
    })
}

/// A development chain with one funded account and the [`WRITER`].
pub(crate) fn genesis() -> Genesis {
    static GENESIS: OnceLock<Genesis> = OnceLock::new();
    let made = GENESIS.get_or_init(|| {
        let mut chain = DevGenesis::new(1_700_000_000, rollup());
        chain.chain_id = CHAIN_ID;
        chain.accounts = 1;
        let mut genesis = chain.genesis();
        let account = genesis.alloc.values().next().cloned().unwrap_or_default();
        let mut writer = account;
        writer.balance = U256::ZERO;
        writer.nonce = None;
        writer.code = Some(Bytes::from_static(&WRITER_CODE));
        let slots = (0..4).map(|slot| (B256::with_last_byte(slot), B256::repeat_byte(slot + 1)));
        writer.storage = Some(slots.collect());
        genesis.alloc.insert(WRITER, writer);
        genesis
    });
    made.clone()
}

/// A plain chain without predeploys.
pub(crate) fn small_genesis() -> Genesis {
    let mut genesis = genesis();
    genesis.config.rollwright = None;
    genesis.alloc.retain(|address, _| *address == WRITER);
    genesis
}

/// One amendment of each kind, in order.
pub(crate) fn amendments() -> Vec<Amendment> {
    let config = rollup();
    let changes = [
        AmendmentChange::Keys(vec![Address::repeat_byte(5), Address::repeat_byte(6)]),
        AmendmentChange::GasLimit(800_000_000),
        AmendmentChange::Policy(SequencingPolicy::Single),
        AmendmentChange::Timing(config.timing),
        AmendmentChange::Forced(config.forced),
        AmendmentChange::Limits(config.limits),
        AmendmentChange::Codecs(vec![CodecId::ZSTD]),
    ];
    let dated = changes.into_iter().zip(1..);
    dated
        .map(|(change, at)| Amendment {
            activation: DaOrdinal(at * 10),
            change,
        })
        .collect()
}

/// Pretty JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("encodes")
}

/// Configuration files of a node, by hand: as users write them.
pub(crate) fn tomls() -> Vec<Seed> {
    vec![
        Seed::new("full.toml", FULL),
        Seed::new("short.toml", "[chain]\nid = 7\n"),
        Seed::new("follower.toml", FOLLOWER),
        Seed::new("wrong-place.toml", "[rpc]\nlisten = \"localhost\"\n"),
        Seed::new("unknown-key.toml", "[da]\nuze = \"local\"\n"),
    ]
}

const FULL: &str = r#"schema = 1
[chain]
name = "mine"
id = 42069
block-time = "auto"
data-dir = ".rollwright/data"
[execution]
use = "evm"
hardfork = "osaka"
genesis = "genesis.json"
history = "archive"
[da]
use = "local"
batch-interval = "4s"
max-batch = "120KiB"
finality = "final"
on-failure = "buffer"
buffer-limit = "256MiB"
[da.local]
path = ".rollwright/da"
block-time = "2s"
seed = 7
faults = "latency=50ms..2s,refuse=5%"
[sequencer]
key = { file = "keys/sequencer.key" }
[rpc]
listen = "127.0.0.1:8545"
cors = ["https://app.example.org"]
[telemetry]
log = "info"
format = "pretty"
"#;

const FOLLOWER: &str = r#"[da.local]
url = "http://127.0.0.1:8545/da"
[follower]
feed = "ws://127.0.0.1:8545/feed"
forward = "http://127.0.0.1:8545"
[sequencer]
key = { env = "KEY" }
"#;
