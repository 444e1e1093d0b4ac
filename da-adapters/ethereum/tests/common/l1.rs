//! An L1 in this process, after the interfaces' specifications: an execution
//! node with a strict pool, and beacon nodes with slots, good and bad.

use alloy_consensus::{
    EthereumTxEnvelope, Header, Transaction as _, TxEip4844WithSidecar,
    proofs::calculate_transaction_root, transaction::SignerRecoverable as _,
};
use alloy_eips::{
    eip2718::{Decodable2718 as _, Encodable2718 as _},
    eip7594::BlobTransactionSidecarVariant,
};
use alloy_primitives::{Address, B256, Bytes, hex};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use rollwright_da_ethereum::{Transaction, kzg::SidecarForm};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{net::TcpListener, task::JoinHandle};

type Pooled = EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarVariant>>;

pub const GENESIS_TIME: u64 = 1_700_000_000;
pub const SLOT: u64 = 12;
const FINALITY: u64 = 4;
const BLOB_GAS: u64 = 131_072;

/// The world, which a test changes.
pub struct World {
    blocks: Vec<Block>,
    pool: BTreeMap<(Address, u64), (Transaction, Option<BlobTransactionSidecarVariant>)>,
    pub balance: u128,
    pub base_fee: u64,
    pub blob_base_fee: u128,
    /// Blobs that fit into a block.
    pub room: u64,
    slot: u64,
    salt: u64,
    /// Blocks below are dropped.
    pub oldest: u64,
    /// The pool forgets what it takes, and says that it took it.
    pub forgetful: bool,
    /// What is refused of every transaction.
    pub refusal: Option<String>,
    /// How many transactions the pool took.
    pub taken: usize,
    /// Newest slot that beacon nodes know of.
    pub beacon_head: Option<u64>,
}

#[derive(Clone)]
struct Block {
    header: Header,
    hash: B256,
    slot: u64,
    transactions: Vec<(Transaction, Option<BlobTransactionSidecarVariant>)>,
}

/// The served world.
pub struct L1 {
    world: Arc<Mutex<World>>,
    url: String,
    server: JoinHandle<()>,
}

impl Drop for L1 {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl L1 {
    pub async fn start() -> Self {
        let world = Arc::new(Mutex::new(World::new()));
        let router = Router::new()
            .route("/", post(rpc))
            .route("/b/{mode}/eth/v1/{*path}", get(beacon))
            .layer(axum::extract::DefaultBodyLimit::max(8 << 20))
            .with_state(Arc::clone(&world));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { world, url, server }
    }

    pub fn rpc(&self) -> String {
        self.url.clone()
    }

    /// A beacon node that behaves in a certain way.
    pub fn beacon(&self, mode: &str) -> String {
        format!("{}/b/{mode}", self.url)
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            blocks: Vec::new(),
            pool: BTreeMap::new(),
            balance: 10u128.pow(21),
            base_fee: 1_000_000_000,
            blob_base_fee: 1,
            room: 6,
            slot: 0,
            salt: 0,
            oldest: 0,
            forgetful: false,
            refusal: None,
            taken: 0,
            beacon_head: None,
        };
        world.seal(Vec::new());
        world
    }

    /// Slots without a block.
    pub fn miss(&mut self, slots: u64) {
        self.slot += slots;
    }

    /// A block of what the pool holds and the prices and room allow.
    pub fn mine(&mut self) {
        let mut room = self.room;
        let mut used: HashMap<Address, u64> = HashMap::new();
        let keys: Vec<(Address, u64)> = self.pool.keys().copied().collect();
        let mut chosen = Vec::new();
        for (account, nonce) in keys {
            let next = used
                .get(&account)
                .copied()
                .unwrap_or_else(|| self.nonce(account));
            let (transaction, _) = &self.pool[&(account, nonce)];
            let blobs = transaction.blob_count().unwrap_or_default();
            let pays = transaction.max_fee_per_gas() >= u128::from(self.base_fee)
                && transaction
                    .max_fee_per_blob_gas()
                    .is_none_or(|fee| fee >= self.blob_base_fee);
            if nonce == next && pays && blobs <= room {
                room -= blobs;
                used.insert(account, nonce + 1);
                chosen.extend(self.pool.remove(&(account, nonce)));
            }
        }
        self.seal(chosen);
    }

    fn seal(&mut self, transactions: Vec<(Transaction, Option<BlobTransactionSidecarVariant>)>) {
        let plain: Vec<Transaction> = transactions.iter().map(|entry| entry.0.clone()).collect();
        let blobs: u64 = plain.iter().filter_map(|tx| tx.blob_count()).sum();
        let header = Header {
            parent_hash: self
                .blocks
                .last()
                .map(|block| block.hash)
                .unwrap_or_default(),
            number: self.blocks.len() as u64,
            timestamp: GENESIS_TIME + self.slot * SLOT,
            transactions_root: calculate_transaction_root(&plain),
            base_fee_per_gas: Some(self.base_fee),
            withdrawals_root: Some(B256::ZERO),
            blob_gas_used: Some(blobs * BLOB_GAS),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            extra_data: Bytes::copy_from_slice(&self.salt.to_be_bytes()),
            ..Header::default()
        };
        self.blocks.push(Block {
            hash: header.hash_slow(),
            header,
            slot: self.slot,
            transactions,
        });
        self.slot += 1;
    }

    /// Replaces the newest blocks by one more, empty ones; what they held is
    /// forgotten.
    pub fn reorganise(&mut self, depth: u64) {
        for _ in 0..depth {
            self.blocks.pop();
        }
        self.salt += 1;
        for _ in 0..=depth {
            self.seal(Vec::new());
        }
    }

    pub fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    pub fn pooled(&self) -> usize {
        self.pool.len()
    }

    /// The caps of what waits: gas, tip and blob gas.
    pub fn offers(&self) -> Vec<(u128, u128, u128)> {
        let caps = |(tx, _): &(Transaction, _)| {
            (
                tx.max_fee_per_gas(),
                tx.max_priority_fee_per_gas().unwrap_or_default(),
                tx.max_fee_per_blob_gas().unwrap_or_default(),
            )
        };
        self.pool.values().map(caps).collect()
    }

    fn nonce(&self, account: Address) -> u64 {
        let sent = self.blocks.iter().flat_map(|block| &block.transactions);
        sent.filter(|(tx, _)| tx.recover_signer().ok() == Some(account))
            .count() as u64
    }

    /// A transaction as if somebody else had sent it.
    pub fn foreign(&mut self, transaction: Transaction) {
        self.seal(vec![(transaction, None)]);
    }

    fn send(&mut self, raw: Vec<u8>) -> Result<B256, String> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        // alloy's decoder moves whole blobs over the stack when not optimised.
        let roomy = std::thread::Builder::new().stack_size(64 << 20);
        let decode = move || Pooled::decode_2718_exact(&raw).map_err(|error| error.to_string());
        let pooled = roomy.spawn(decode).unwrap().join().unwrap()?;
        let (transaction, sidecar): (Transaction, _) = match pooled {
            Pooled::Eip4844(signed) => {
                let (tx, signature, hash) = signed.into_parts();
                let (tx, sidecar) = tx.into_parts();
                let named = tx.blob_versioned_hashes.clone();
                if sidecar.versioned_hashes().collect::<Vec<_>>() != named {
                    return Err("blob sidecar: wrong versioned hash".into());
                }
                let signed = alloy_consensus::Signed::new_unchecked(tx, signature, hash);
                (signed.into(), Some(sidecar))
            }
            other => {
                let plain = Transaction::decode_2718_exact(&other.encoded_2718());
                (plain.map_err(|error| error.to_string())?, None)
            }
        };
        let account = transaction.recover_signer().map_err(|e| e.to_string())?;
        let (nonce, hash) = (transaction.nonce(), *transaction.hash());
        if nonce < self.nonce(account) {
            return Err(format!("nonce too low: next nonce {}", self.nonce(account)));
        }
        if let Some((held, _)) = self.pool.get(&(account, nonce)) {
            if *held.hash() == hash {
                return Err("already known".into());
            }
            let doubled = transaction.max_fee_per_gas() >= 2 * held.max_fee_per_gas()
                && transaction.max_priority_fee_per_gas()
                    >= held.max_priority_fee_per_gas().map(|tip| 2 * tip)
                && transaction.max_fee_per_blob_gas()
                    >= held.max_fee_per_blob_gas().map(|fee| 2 * fee);
            if !doubled {
                return Err("replacement transaction underpriced".into());
            }
        } else if self.pool.len() >= 16 {
            return Err("account limit exceeded: pooled 16 txs".into());
        }
        self.taken += 1;
        if !self.forgetful {
            self.pool.insert((account, nonce), (transaction, sidecar));
        }
        Ok(hash)
    }

    fn block(&self, id: &Value) -> Option<&Block> {
        let head = self.head();
        let number = match id.as_str()? {
            "latest" | "pending" => head,
            "finalized" => head.checked_sub(FINALITY)?,
            text => u64::from_str_radix(text.trim_start_matches("0x"), 16).ok()?,
        };
        self.blocks.get(usize::try_from(number).ok()?)
    }

    fn answer(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        let hash = || {
            params[0]
                .as_str()
                .and_then(|text| text.parse::<B256>().ok())
        };
        let hex = |number: u128| json!(format!("0x{number:x}"));
        let found = |hash: B256| {
            self.blocks.iter().find_map(|block| {
                let mut sent = block.transactions.iter();
                Some((block, sent.find(|(tx, _)| *tx.hash() == hash)?))
            })
        };
        Ok(match method {
            "eth_chainId" => json!("0x539"),
            "eth_getBlockByNumber" => match self.block(&params[0]) {
                Some(block) if block.header.number > 0 && block.header.number < self.oldest => {
                    return Err("pruned history unavailable".into());
                }
                block => json(block, &params[1]),
            },
            "eth_getBlockByHash" => {
                let block = self.blocks.iter().find(|block| Some(block.hash) == hash());
                json(block, &params[1])
            }
            "eth_getTransactionCount" => {
                let account: Address = params[0].as_str().unwrap().parse().unwrap();
                let waiting = self.pool.keys().filter(|key| key.0 == account).count() as u64;
                let waiting = if params[1] == "pending" { waiting } else { 0 };
                hex((self.nonce(account) + waiting).into())
            }
            "eth_getBalance" => hex(self.balance),
            "eth_estimateGas" => hex(21_000),
            "eth_blobBaseFee" => hex(self.blob_base_fee),
            "eth_feeHistory" => json!({ "reward": [["0x3b9aca00"], ["0x1"], ["0x3b9aca00"]] }),
            "eth_getTransactionByHash" => {
                let pooled = self.pool.values().any(|(tx, _)| Some(*tx.hash()) == hash());
                let known = pooled || hash().and_then(found).is_some();
                if known { json!({}) } else { Value::Null }
            }
            "eth_getTransactionReceipt" => match hash().and_then(found) {
                Some((block, (tx, _))) => json!({
                    "blockNumber": hex(block.header.number.into()), "blockHash": block.hash,
                    "gasUsed": "0x5208", "effectiveGasPrice": hex(self.base_fee.into()),
                    "blobGasUsed": hex(u128::from(tx.blob_count().unwrap_or_default() * BLOB_GAS)),
                    "blobGasPrice": hex(self.blob_base_fee),
                }),
                None => Value::Null,
            },
            "eth_sendRawTransaction" => {
                let raw = hex::decode(params[0].as_str().unwrap()).unwrap();
                json!(self.send(raw)?)
            }
            _ => return Err(format!("the method {method} does not exist")),
        })
    }
}

fn json(block: Option<&Block>, full: &Value) -> Value {
    let Some(block) = block else {
        return Value::Null;
    };
    let mut value = serde_json::to_value(&block.header).unwrap();
    let list = block.transactions.iter();
    value["hash"] = json!(block.hash);
    value["transactions"] = match full {
        Value::Bool(true) => list
            .map(|(tx, _)| serde_json::to_value(tx).unwrap())
            .collect(),
        _ => list.map(|(tx, _)| json!(tx.hash())).collect(),
    };
    value
}

async fn rpc(State(world): State<Arc<Mutex<World>>>, Json(request): Json<Value>) -> Json<Value> {
    let method = request["method"].as_str().unwrap_or_default().to_owned();
    let run = move || {
        let answer = world.lock().unwrap().answer(&method, &request["params"]);
        let mut response = json!({ "jsonrpc": "2.0", "id": request["id"] });
        match answer {
            Ok(result) => response["result"] = result,
            Err(message) => response["error"] = json!({ "code": -32000, "message": message }),
        }
        response
    };
    Json(tokio::task::spawn_blocking(run).await.unwrap())
}

fn status(code: u16, message: &str) -> Response {
    let body = json!({ "code": code, "message": message }).to_string();
    (StatusCode::from_u16(code).unwrap(), body).into_response()
}

/// Beacon nodes by mode: `good`; `json` knows no SSZ; `all` ignores the list of
/// hashes; `older` has sidecars alone; `wrong`, `missing`, `ordinary`, `html`,
/// `half`, `hang`, `flood` do what they say.
async fn beacon(
    State(world): State<Arc<Mutex<World>>>,
    Path((mode, path)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    match path.as_str() {
        "beacon/genesis" => {
            let data = json!({ "genesis_time": GENESIS_TIME.to_string() });
            return Json(json!({ "data": data })).into_response();
        }
        "config/spec" => {
            let data = json!({ "SECONDS_PER_SLOT": SLOT.to_string() });
            return Json(json!({ "data": data })).into_response();
        }
        "beacon/headers/head" => {
            let world = world.lock().unwrap();
            let slot = world.beacon_head.unwrap_or(world.slot - 1).to_string();
            let data = json!({ "header": { "message": { "slot": slot } } });
            return Json(json!({ "data": data })).into_response();
        }
        _ => {}
    }
    let sidecars = path.strip_prefix("beacon/blob_sidecars/");
    let slot = path.strip_prefix("beacon/blobs/").or(sidecars);
    let Some(Ok(slot)) = slot.map(str::parse::<u64>) else {
        return status(400, "no such block id");
    };
    match mode.as_str() {
        "html" => return "<html><body>Bad Gateway</body></html>".into_response(),
        "hang" => std::future::pending().await,
        "ordinary" => return status(500, "insufficient data columns"),
        "missing" => return status(404, "block not found"),
        "older" if sidecars.is_none() => return status(410, "use blob_sidecars"),
        "older" => {}
        _ if sidecars.is_some() => return status(410, "use blobs"),
        _ => {}
    }
    let blobs: Vec<(B256, Bytes, Bytes, Bytes)> = {
        let world = world.lock().unwrap();
        if world.beacon_head.is_some_and(|head| slot > head) {
            return status(404, "block not found");
        }
        let block = world.blocks.iter().find(|block| block.slot == slot);
        let Some(block) = block else {
            return status(404, "block not found");
        };
        let sidecars = block
            .transactions
            .iter()
            .filter_map(|(_, sidecar)| sidecar.as_ref());
        sidecars.flat_map(parts).collect()
    };
    if mode == "older" {
        let sidecar = |(_, blob, commitment, proof): &(B256, Bytes, Bytes, Bytes)| json!({ "blob": blob, "kzg_commitment": commitment, "kzg_proof": proof, "index": "0" });
        let data: Vec<Value> = blobs.iter().map(sidecar).collect();
        return Json(json!({ "data": data })).into_response();
    }
    let listed = query.get("versioned_hashes").filter(|_| mode != "all");
    let mut served: Vec<Vec<u8>> = blobs
        .iter()
        .filter(|(hash, ..)| listed.is_none_or(|list| list.contains(&hash.to_string())))
        .map(|(_, blob, ..)| blob.to_vec())
        .collect();
    match mode.as_str() {
        // One bit of the payload: still a canonical blob.
        "wrong" => served.iter_mut().for_each(|blob| blob[7] ^= 1),
        "half" => served
            .iter_mut()
            .for_each(|blob| blob.truncate(blob.len() / 2)),
        "flood" => {
            let chunk = Ok::<_, std::convert::Infallible>(vec![0_u8; 1 << 20]);
            let endless = futures_util::stream::repeat_with(move || chunk.clone());
            return Body::from_stream(endless).into_response();
        }
        _ => {}
    }
    let accepts_ssz = headers["accept"].to_str().unwrap().contains("octet-stream");
    if mode != "json" && accepts_ssz {
        return served.concat().into_response();
    }
    let data: Vec<String> = served.iter().map(hex::encode_prefixed).collect();
    Json(json!({ "data": data })).into_response()
}

/// Versioned hash, blob, commitment and, of the older sidecars, proof.
fn parts(sidecar: &BlobTransactionSidecarVariant) -> Vec<(B256, Bytes, Bytes, Bytes)> {
    let proofs: Vec<Bytes> = match sidecar {
        BlobTransactionSidecarVariant::Eip4844(older) => older
            .proofs
            .iter()
            .map(|proof| Bytes::copy_from_slice(proof.as_slice()))
            .collect(),
        BlobTransactionSidecarVariant::Eip7594(_) => Vec::new(),
    };
    sidecar
        .versioned_hashes()
        .enumerate()
        .map(|(index, hash)| {
            (
                hash,
                Bytes::copy_from_slice(sidecar.blobs()[index].as_slice()),
                Bytes::copy_from_slice(sidecar.commitments()[index].as_slice()),
                proofs.get(index).cloned().unwrap_or_default(),
            )
        })
        .collect()
}

/// The form of sidecars that tests use: its proofs take a quarter of the time.
pub const FORM: SidecarForm = SidecarForm::Eip4844;
