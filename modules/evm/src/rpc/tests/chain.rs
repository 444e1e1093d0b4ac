//! A chain in memory, a node that seals when it is told to, and small
//! contracts written in bytecode.

use crate::{
    engine::{EvmEngine, TransactionList},
    genesis::{ChainConfig, Genesis, dev_account},
    predeploy,
    rpc::{EthConfig, eth_module},
};
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy,
    crypto::secp256k1::sign_message,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, address, bytes};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use jsonrpsee::Methods;
use parking_lot::Mutex;
use rollwright_core::{
    Anchor, Attributes, BlockId, BlockRecord, BlockRef, ChainStore as _, DaHeight, DaOrdinal,
    DaPoint, ForcedBudget, Heads, NodeApi, NodeEvent, NodeStatus, PoolEntry, PoolStatus, Role,
    SubmitError,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) const CHAIN_ID: u64 = 42_069;
pub(super) const GENESIS_TIME: u64 = 1_700_000_000;
pub(super) const GAS_LIMIT: u64 = 30_000_000;
pub(super) const COINBASE: Address = address!("0x00000000000000000000000000000000000000fe");

/// Emits a log of `n` topics: the first `n` words of the call data are the
/// topics, the whole call data is the data.
pub(super) const LOGGERS: [(Address, Bytes); 5] = [
    (
        address!("0x1000000000000000000000000000000000000000"),
        bytes!("365f5f37365fa000"),
    ),
    (
        address!("0x1000000000000000000000000000000000000001"),
        bytes!("365f5f375f35365fa100"),
    ),
    (
        address!("0x1000000000000000000000000000000000000002"),
        bytes!("365f5f376020355f35365fa200"),
    ),
    (
        address!("0x1000000000000000000000000000000000000003"),
        bytes!("365f5f376040356020355f35365fa300"),
    ),
    (
        address!("0x1000000000000000000000000000000000000004"),
        bytes!("365f5f376060356040356020355f35365fa400"),
    ),
];
/// Reverts with its call data.
pub(super) const REVERTER: Address = address!("0x2000000000000000000000000000000000000001");
/// Stores the second word of its call data at the slot in the first.
pub(super) const STORER: Address = address!("0x2000000000000000000000000000000000000002");
/// Returns the slot that its call data names.
pub(super) const LOADER: Address = address!("0x2000000000000000000000000000000000000003");
/// The opcode INVALID.
pub(super) const INVALID: Address = address!("0x2000000000000000000000000000000000000004");
/// Never ends.
pub(super) const LOOPER: Address = address!("0x2000000000000000000000000000000000000005");
/// Returns NUMBER, TIMESTAMP, COINBASE, BASEFEE, PREVRANDAO and GASLIMIT.
pub(super) const ENVIRONMENT: Address = address!("0x2000000000000000000000000000000000000006");
/// Calls the STORER with its call data and all the gas it may hand on, and
/// reverts unless that succeeds.
pub(super) const CALLER: Address = address!("0x2000000000000000000000000000000000000007");

fn contracts() -> Vec<(Address, Bytes)> {
    let mut all = LOGGERS.to_vec();
    all.extend([
        (REVERTER, bytes!("365f5f37365ffd")),
        (STORER, bytes!("6020355f355500")),
        (LOADER, bytes!("5f35545f5260205ff3")),
        (INVALID, bytes!("fe")),
        (LOOPER, bytes!("5b5f56")),
        (
            ENVIRONMENT,
            bytes!("435f52426020524160405248606052446080524560a05260c05ff3"),
        ),
        (
            CALLER,
            // CALLDATACOPY; CALL(GAS, STORER, 0, 0, CALLDATASIZE, 0, 0); JUMPI over REVERT
            bytes!(
                "365f5f375f5f365f5f7320000000000000000000000000000000000000025af16026575f5ffd5b00"
            ),
        ),
    ]);
    all
}

pub(super) fn genesis() -> Genesis {
    let mut alloc = predeploy::all();
    for index in 0..10 {
        let ether = U256::from(10).pow(U256::from(18));
        let account = GenesisAccount::default().with_balance(U256::from(10_000) * ether);
        alloc.insert(dev_account(index).unwrap().address, account);
    }
    for (address, code) in contracts() {
        alloc.insert(
            address,
            GenesisAccount::default()
                .with_code(Some(code))
                .with_nonce(Some(1)),
        );
    }
    Genesis {
        config: ChainConfig::osaka(CHAIN_ID),
        nonce: 0,
        timestamp: GENESIS_TIME,
        extra_data: Bytes::new(),
        gas_limit: GAS_LIMIT,
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

pub(super) fn account(index: u32) -> Address {
    dev_account(index).unwrap().address
}

/// Signs as development account `index`.
pub(super) fn sign<T>(transaction: T, index: u32) -> Bytes
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let key = dev_account(index).unwrap().key;
    let signature = sign_message(key, transaction.signature_hash()).unwrap();
    let envelope: TxEnvelope = transaction.into_signed(signature).into();
    envelope.encoded_2718().into()
}

/// A call with plenty of gas and a tip of 2 gwei.
pub(super) fn call_of(index: u32, nonce: u64, to: Address, input: impl Into<Bytes>) -> Bytes {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 2_000_000_000,
        to: TxKind::Call(to),
        value: U256::ZERO,
        access_list: AccessList::default(),
        input: input.into(),
    };
    sign(transaction, index)
}

pub(super) fn legacy(index: u32, nonce: u64) -> Bytes {
    let transaction = TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 5_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(account(9)),
        value: U256::from(1_000),
        input: Bytes::new(),
    };
    sign(transaction, index)
}

pub(super) fn access_listed(index: u32, nonce: u64) -> Bytes {
    let transaction = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce,
        gas_price: 5_000_000_000,
        gas_limit: 100_000,
        to: TxKind::Create,
        value: U256::ZERO,
        access_list: AccessList(vec![AccessListItem {
            address: STORER,
            storage_keys: vec![B256::with_last_byte(7)],
        }]),
        // Deploys one byte of code: 0x00.
        input: bytes!("60015ff3"),
    };
    sign(transaction, index)
}

/// Account `index` delegates account `index + 1` to the STORER.
pub(super) fn delegating(index: u32, nonce: u64) -> Bytes {
    let authorization = Authorization {
        chain_id: U256::from(CHAIN_ID),
        address: STORER,
        nonce: 0,
    };
    let key = dev_account(index + 1).unwrap().key;
    let signature = sign_message(key, authorization.signature_hash()).unwrap();
    let transaction = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: account(index + 1),
        value: U256::ZERO,
        access_list: AccessList::default(),
        authorization_list: vec![authorization.into_signed(signature)],
        input: Bytes::new(),
    };
    sign(transaction, index)
}

/// Concatenated words.
pub(super) fn words<const N: usize>(words: [u64; N]) -> Bytes {
    words
        .iter()
        .flat_map(|word| B256::from(U256::from(*word)).0)
        .collect::<Vec<u8>>()
        .into()
}

#[derive(Clone)]
pub(super) struct FakeNode {
    pub(super) engine: EvmEngine,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    pool: Vec<PoolEntry>,
    listeners: Vec<mpsc::UnboundedSender<NodeEvent>>,
    refusal: Option<SubmitError>,
    syncing: bool,
    mines: bool,
}

impl FakeNode {
    pub(super) fn new() -> Self {
        Self::on(genesis())
    }

    fn on(genesis: Genesis) -> Self {
        Self::over(EvmEngine::in_memory(genesis).unwrap())
    }

    pub(super) fn over(engine: EvmEngine) -> Self {
        Self {
            engine,
            shared: Arc::default(),
        }
    }

    fn emit(&self, event: &NodeEvent) {
        self.shared
            .lock()
            .listeners
            .retain(|listener| listener.send(event.clone()).is_ok());
    }

    pub(super) fn emit_pending(&self, hash: B256) {
        self.emit(&NodeEvent::Pending(hash));
    }

    /// Every submission from now on ends like this.
    pub(super) fn refuse(&self, refusal: Option<SubmitError>) {
        self.shared.lock().refusal = refusal;
    }

    pub(super) fn set_syncing(&self, syncing: bool) {
        self.shared.lock().syncing = syncing;
        self.emit(&NodeEvent::Heads(self.heads()));
    }

    pub(super) fn set_mines(&self, mines: bool) {
        self.shared.lock().mines = mines;
    }

    pub(super) fn put(&self, bytes: Bytes) -> B256 {
        let admission = self.engine.admit_transaction(&bytes).unwrap();
        self.shared.lock().pool.push(PoolEntry {
            hash: admission.hash,
            sender: admission.sender,
            nonce: admission.nonce,
            bytes,
            ready: true,
        });
        self.emit(&NodeEvent::Pending(admission.hash));
        admission.hash
    }

    /// Seals the pool on the latest block; the block follows its parent by
    /// one second.
    pub(super) fn seal(&self) -> BlockRef {
        let pool: Vec<PoolEntry> = std::mem::take(&mut self.shared.lock().pool);
        let parent = self.heads().latest;
        let transactions = pool.into_iter().map(|entry| entry.bytes).collect();
        self.make(parent, 1, transactions)
    }

    /// Makes a block on `parent` the head, whatever was there.
    pub(super) fn make(&self, parent: BlockRef, seconds: u64, txs: Vec<Bytes>) -> BlockRef {
        let record = self
            .engine
            .block(BlockId::Hash(parent.hash))
            .unwrap()
            .unwrap();
        let origin = DaPoint {
            epoch: 0,
            height: DaHeight(1),
            hash: B256::with_last_byte(0xda),
        };
        let attributes = Attributes {
            timestamp: record.timestamp + seconds,
            fee_recipient: COINBASE,
            gas_limit: GAS_LIMIT,
            anchor: Anchor::at(origin, DaOrdinal(1), B256::ZERO, GENESIS_TIME),
            forced: Vec::new(),
            forced_budget: ForcedBudget {
                gas: 0,
                bytes: 0,
                validations: 0,
            },
            ticks: Vec::new(),
            inbox: Vec::new(),
            max_bytes: 1 << 20,
            max_transactions: 10_000,
        };
        let count = txs.len();
        let mut offered = TransactionList::new(txs);
        let built = self
            .engine
            .build_block(&parent, attributes, &mut offered)
            .unwrap();
        assert_eq!(
            built.executed.transactions as usize, count,
            "all were included"
        );
        let heads = Heads {
            latest: built.executed.block,
            ..self.engine.heads().unwrap()
        };
        let removed = self.engine.commit(&heads, &[]).unwrap();
        if !removed.is_empty() {
            self.emit(&NodeEvent::Removed(Arc::new(removed)));
        }
        let head = self
            .engine
            .block(BlockId::Hash(heads.latest.hash))
            .unwrap()
            .unwrap();
        self.emit(&NodeEvent::Block(Arc::new(head)));
        heads.latest
    }

    pub(super) fn finalize(&self, safe: BlockRef, finalized: BlockRef) {
        let heads = Heads {
            latest: self.heads().latest,
            safe,
            finalized,
        };
        self.engine.commit(&heads, &[]).unwrap();
        self.emit(&NodeEvent::Heads(heads));
    }
}

impl NodeApi for FakeNode {
    fn heads(&self) -> Heads {
        self.engine.heads().unwrap()
    }

    fn submit(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        if let Some(refusal) = self.shared.lock().refusal.clone() {
            return async move { Err(refusal) }.boxed();
        }
        let answer = match self.engine.admit_transaction(&transaction) {
            Ok(_) => Ok(self.put(transaction)),
            Err(error) => Err(SubmitError::Invalid(error.to_string())),
        };
        async move { answer }.boxed()
    }

    fn pool_transaction(&self, hash: &B256) -> Option<Bytes> {
        let shared = self.shared.lock();
        let found = shared.pool.iter().find(|entry| entry.hash == *hash);
        found.map(|entry| entry.bytes.clone())
    }

    fn pool_content(&self, limit: usize) -> Vec<PoolEntry> {
        self.shared
            .lock()
            .pool
            .iter()
            .take(limit)
            .cloned()
            .collect()
    }

    fn pool_nonce(&self, sender: &Address) -> Option<u64> {
        let shared = self.shared.lock();
        let nonces = shared.pool.iter().filter(|entry| entry.sender == *sender);
        nonces.map(|entry| entry.nonce + 1).max()
    }

    fn pool_status(&self) -> PoolStatus {
        PoolStatus::default()
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.shared.lock().listeners.push(sender);
        futures_util::stream::unfold(receiver, |mut receiver| async {
            let event = receiver.recv().await?;
            Some((event, receiver))
        })
        .boxed()
    }

    fn status(&self) -> NodeStatus {
        let rollup_id = self.engine.genesis_block().rollup_id();
        NodeStatus {
            role: Role::Sequencer,
            synced: !self.shared.lock().syncing,
            ..NodeStatus::alone("test", CHAIN_ID, rollup_id, self.heads())
        }
    }

    fn block(&self, id: BlockId) -> Option<BlockRecord> {
        self.engine.block(id).unwrap()
    }

    fn mine(&self) -> BoxFuture<'_, bool> {
        let mines = self.shared.lock().mines;
        if mines {
            self.seal();
        }
        async move { mines }.boxed()
    }
}

/// A node and its methods.
pub(super) struct Rpc {
    pub(super) node: FakeNode,
    pub(super) methods: Methods,
}

impl Rpc {
    pub(super) fn new() -> Self {
        Self::with(EthConfig::default())
    }

    pub(super) fn with(config: EthConfig) -> Self {
        Self::of(genesis(), config)
    }

    pub(super) fn of(genesis: Genesis, config: EthConfig) -> Self {
        Self::over(FakeNode::on(genesis), config)
    }

    pub(super) fn over(node: FakeNode, config: EthConfig) -> Self {
        let methods = eth_module(&node.engine, Arc::new(node.clone()), config).unwrap();
        Self { node, methods }
    }

    /// The whole answer, `result` or `error`.
    pub(super) async fn raw(&self, method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let (answer, _) = self
            .methods
            .raw_json_request(&request.to_string(), 16)
            .await
            .unwrap();
        serde_json::from_str(answer.get()).unwrap()
    }

    /// The result of a call that must succeed.
    pub(super) async fn ok(&self, method: &str, params: Value) -> Value {
        let mut answer = self.raw(method, &params).await;
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].take()
    }

    /// The error of a call that must fail.
    pub(super) async fn error(&self, method: &str, params: Value) -> Value {
        let mut answer = self.raw(method, &params).await;
        assert!(
            answer.get("result").is_none(),
            "{method} {params}: {answer}"
        );
        answer["error"].take()
    }
}

/// `0x…` without leading zeros.
pub(super) fn quantity(number: impl Into<u128>) -> Value {
    Value::String(format!("{:#x}", number.into()))
}
