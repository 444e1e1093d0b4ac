use super::{Loaded, load::closest};
use serde::Serialize;

/// What one key of `rollup.toml` means.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct KeyDoc {
    /// Dotted key.
    pub key: &'static str,
    /// Form of the value.
    pub form: &'static str,
    /// One sentence.
    pub text: &'static str,
}

/// An effective value with where it came from.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Dotted key.
    pub key: &'static str,
    /// The value as JSON; secrets appear as their source.
    pub value: serde_json::Value,
    /// `default`, file and line, variable, or flag.
    pub origin: String,
}

macro_rules! keys {
    ($($key:literal, $form:literal, $text:literal;)*) => {
        /// Every key of `rollup.toml`, in the order of the file.
        pub const KEYS: &[KeyDoc] = &[$(KeyDoc { key: $key, form: $form, text: $text },)*];
    };
}

keys! {
    "schema", "number", "Version of the file; 1.";
    "chain.name", "text", "Name of the rollup, for people.";
    "chain.id", "number", "Chain id; must be the one of the genesis file.";
    "chain.block-time", "duration or auto", "Time between blocks; `auto` makes a block when there is something to put in.";
    "chain.data-dir", "path", "Where the node keeps its data.";
    "execution.use", "evm", "Execution engine.";
    "execution.hardfork", "fork name", "Latest fork that the genesis file activates; checked against it.";
    "execution.genesis", "path", "Genesis file: the consensus settings.";
    "execution.history", "archive or number", "How many blocks' states stay readable; `archive` keeps all.";
    "execution.memory", "size", "Memory for blocks and state in all: caches, tries, the database's buffers; at least 256MiB. A larger state is slower in less, and never takes more.";
    "da.use", "local, celestia or ethereum", "The data-availability layer.";
    "da.batch-interval", "duration", "Longest time that a block waits to be posted.";
    "da.max-batch", "size", "Largest batch; never above the chain's own bound.";
    "da.stop-wait", "duration", "How long an orderly stop waits until the layer has taken what is not posted; the rest is posted at the next start.";
    "da.timeout", "duration", "How long the layer may take to answer one call; a call that takes longer is made again.";
    "da.finality", "final", "What settlement and messaging wait for; there is neither in this version, so nothing waits.";
    "da.on-failure", "buffer", "What happens while the layer cannot be reached.";
    "da.on-announcement", "hold or go-on", "What a follower or replica does where the sequencer announces an amendment that it lacks: keep its safe and finalized heads until it is given, or go on without it.";
    "da.buffer-limit", "size", "Unposted data at which no further transactions are admitted.";
    "da.keep-batches", "number", "Final batches about which is kept where they stand on the layer and what they cost; about older ones the node tells no more.";
    "da.archive", "list of addresses", "Read-only sources for data that a layer has pruned: on Ethereum, services in the shape of a beacon node.";
    "da.local.path", "path", "The embedded layer's file.";
    "da.local.url", "address", "A layer that another process serves, instead of a file.";
    "da.local.block-time", "duration", "Time between the embedded layer's blocks.";
    "da.local.seed", "number", "Seed of the embedded layer's faults.";
    "da.local.faults", "text", "Faults to inject; `none` without.";
    "da.celestia.rpc", "address, { env } or { file }, or a list", "JSON-RPC of Celestia nodes, the preferred one first; without any, the embedded devnet of a development chain.";
    "da.celestia.token", "{ env } or { file }", "Token for the nodes, with write permission where this node posts.";
    "da.celestia.archive", "address, { env } or { file }, or a list", "JSON-RPC of nodes that keep every block, asked for what the others pruned; the token is not sent to them.";
    "da.celestia.grpc", "address, { env } or { file }, or a list", "gRPC of consensus nodes, for posting with signer.";
    "da.celestia.signer", "{ env } or { file }", "Secret key of the posting account, used for nothing else; without one the first node's own key pays.";
    "da.celestia.accounts", "list of { env } or { file }", "Secret keys of further posting accounts; the order of parts of different accounts is not promised.";
    "da.celestia.fee-granter", "address", "The account that pays the fees in the place of signer.";
    "da.celestia.max-spend", "amount/day", "Most that signer and accounts sign for within 24 hours, such as 5tia/day; beyond, posting waits.";
    "da.celestia.checkpoint", "{ height, hash }", "A header that is trusted without proof; without one the first that a node gives is believed.";
    "da.celestia.trusting-period", "duration", "How old the newest trusted header may be when newer ones are judged by it.";
    "da.celestia.gas-price", "price", "Price to begin with, in utia per gas, such as 0.004utia.";
    "da.celestia.max-gas-price", "price", "Price that is never exceeded; above, posting waits.";
    "da.celestia.sampling", "number", "Random shares of the newest block that `da status` asks for, with proofs, to say how sure it is that the block was published; 0 asks for none. Derivation never waits for it.";
    "da.celestia.block-time", "duration", "Time between blocks of the embedded devnet.";
    "da.ethereum.rpc", "address, { env } or { file }, or a list", "Execution nodes' JSON-RPC, the preferred one first; transactions go to all.";
    "da.ethereum.beacon", "address, { env } or { file }, or a list", "Beacon nodes, in the order in which they are asked for blobs; one should hold all data columns.";
    "da.ethereum.signer", "{ env } or { file }", "Secret key of the posting account, which is used for nothing else.";
    "da.ethereum.sidecar", "eip7594 or eip4844", "Form of the blobs' sidecars; the older one is for private L1s from before Osaka.";
    "da.ethereum.block-id", "slot, root or number", "How beacon nodes are asked for a block; `number` is for anvil.";
    "da.ethereum.slot-time", "duration", "Length of a slot where no beacon node tells it.";
    "da.ethereum.confirmations", "number", "Blocks that the observed head stays behind the newest.";
    "da.ethereum.max-blob-fee", "amount", "Most that is offered per blob gas; above, posting waits.";
    "da.ethereum.max-gas-fee", "amount", "Most that is offered per gas; above, posting waits.";
    "da.ethereum.max-tip", "amount", "Highest tip per gas.";
    "da.ethereum.max-spend", "amount/day", "Most that is bound within 24 hours; above, posting waits.";
    "da.ethereum.blobs-per-tx", "number", "Most blobs in one transaction, 1 to 6.";
    "da.ethereum.calldata", "never or cheaper", "Whether parts travel as calldata where that is cheaper and the chain allows it.";
    "da.ethereum.keep-blobs", "duration", "How long blobs that were posted or read are kept here.";
    "settlement.use", "none", "Settlement layer; `none` is sovereign.";
    "messaging.use", "none", "Messaging layer.";
    "sequencer.key", "{ env } or { file }", "Key that signs batches and the feed.";
    "sequencer.fee-recipient", "address", "Receives priority fees; the key's own address by default.";
    "sequencer.pool-transactions", "number", "Transactions in the pool.";
    "sequencer.pool-per-sender", "number", "Transactions of one sender in the pool.";
    "follower.sequencer", "address", "JSON-RPC address that submitted transactions are forwarded to.";
    "follower.feed", "address", "Feed that a replica follows.";
    "rpc.listen", "address:port", "Address of JSON-RPC, health and metrics.";
    "rpc.cors", "list of origins", "Origins that browsers may call from; `*` for all.";
    "rpc.max-body", "size", "Largest request body.";
    "rpc.max-receiving", "size", "Bytes of long requests that are received at the same time.";
    "rpc.max-batch", "number", "Requests in one batch.";
    "rpc.max-connections", "number", "Open connections.";
    "rpc.max-response", "size", "Largest answer, of a call and of a whole batch.";
    "rpc.max-logs", "number", "Logs that one query answers.";
    "rpc.max-log-blocks", "number", "Blocks that one log query spans.";
    "rpc.call-gas", "number", "Gas that a call or an estimate may use.";
    "rpc.call-timeout", "duration", "How long a call or an estimate may take.";
    "rpc.max-filters", "number", "Filters that clients poll; beyond, the one unused for longest is forgotten.";
    "telemetry.log", "filter", "Filter of log lines: a level, or target=level pairs.";
    "telemetry.format", "pretty or json", "Form of log lines.";
    "telemetry.metrics", "unset", "A metrics listener of its own; not in this version, /metrics is on the RPC port.";
}

/// The text about a key; otherwise the nearest key's name, if one is near.
pub fn explain(key: &str) -> Result<&'static KeyDoc, Option<String>> {
    KEYS.iter().find(|doc| doc.key == key).ok_or_else(|| {
        let names: Vec<&str> = KEYS.iter().map(|doc| doc.key).collect();
        closest(key, &names)
    })
}

impl Loaded {
    /// Every key that has a value, in the order of the file.
    pub fn entries(&self) -> Vec<Entry> {
        KEYS.iter()
            .filter_map(|doc| {
                let value = serde_json::to_value(self.value(doc.key)?).ok()?;
                let value = redact_credentials(value);
                Some(Entry {
                    key: doc.key,
                    value,
                    origin: self.origin(doc.key),
                })
            })
            .collect()
    }
}

/// Cuts user and password out of addresses.
fn redact_credentials(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::String(text) => {
            let redacted = text.split_once("://").and_then(|(scheme, rest)| {
                let authority = rest.split('/').next()?;
                let (_, host) = authority.rsplit_once('@')?;
                Some(format!("{scheme}://…@{host}{}", &rest[authority.len()..]))
            });
            serde_json::Value::String(redacted.unwrap_or(text))
        }
        serde_json::Value::Array(items) => items.into_iter().map(redact_credentials).collect(),
        other => other,
    }
}
