//! A chain of ordinary blocks: transfers, tokens, contracts that write.

use alloy_consensus::{Block, BlockBody, SignableTransaction, TxEip1559};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex, keccak256};
use alloy_rlp::Encodable;
use k256::ecdsa::SigningKey;
use rollwright_core::{
    Anchor, Attributes, BlockId, DaHeight, DaOrdinal, DaPoint, ForcedBudget, Heads,
};
use rollwright_evm::{
    engine::{EvmEngine, TransactionList},
    genesis::{ChainConfig, Genesis},
    machine::{TxEnvelope, signed},
    predeploy,
};

/// Gas limit of a block; about half of it is used, so that the base fee stays.
const GAS_LIMIT: u64 = 46_000_000;

/// Transactions of a block.
const TRANSACTIONS: u64 = 400;

/// Accounts that send.
const SENDERS: u64 = 500;

/// A token: takes the receiver and the amount, moves it between slots of a
/// mapping, and logs ERC-20's `Transfer`.
const TOKEN: &[u8] = &hex!(
    "335f5260405f20805460203590039055"
    "5f355f5260405f20805460203501 9055"
    "6020355f525f3533"
    "7fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    "60205fa300"
);

/// Writes the time into eight slots from the given one on.
const WRITER: &[u8] = &hex!("60085b805f35014290556001900380600257 00");

const TOKEN_PLACE: Address = Address::repeat_byte(0x70);
const WRITER_PLACE: Address = Address::repeat_byte(0x77);
const CHAIN_ID: u64 = 7_777;

struct Sender {
    key: SigningKey,
    address: Address,
    nonce: u64,
}

/// The genesis file: `accounts` funded accounts beside the senders, and the two
/// contracts.
pub(crate) fn genesis(accounts: u64) -> Genesis {
    let rich = || GenesisAccount::default().with_balance(U256::from(10).pow(U256::from(24)));
    let mut alloc = predeploy::all();
    alloc.extend(senders().map(|sender| (sender.address, rich())));
    alloc.extend((0..accounts).map(|n| (receiver(n), rich())));
    for (place, code) in [(TOKEN_PLACE, TOKEN), (WRITER_PLACE, WRITER)] {
        let code = Some(Bytes::from_static(code));
        alloc.insert(
            place,
            GenesisAccount::default()
                .with_nonce(Some(1))
                .with_code(code),
        );
    }
    let config = ChainConfig::osaka(CHAIN_ID);
    let alloc = serde_json::to_value(alloc).expect("JSON");
    let text = serde_json::json!({
        "config": config, "timestamp": "0x65536700", "gasLimit": format!("{GAS_LIMIT:#x}"), "alloc": alloc,
    });
    Genesis::from_json(&text.to_string()).expect("a valid genesis")
}

fn senders() -> impl Iterator<Item = Sender> {
    (1..=SENDERS).map(|n| {
        let key = SigningKey::from_slice(keccak256(n.to_be_bytes()).as_slice()).expect("a key");
        let address = Address::from_public_key(key.verifying_key());
        Sender {
            key,
            address,
            nonce: 0,
        }
    })
}

fn receiver(n: u64) -> Address {
    Address::from_word(keccak256([&b"receiver"[..], &n.to_be_bytes()].concat()))
}

/// Appends `blocks` blocks to a chain in memory, and returns them in RLP, one
/// behind the other.
pub(crate) fn make(engine: &EvmEngine, blocks: u64, accounts: u64) -> Vec<u8> {
    let mut senders: Vec<Sender> = senders().collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut file = Vec::new();
    for number in 1..=blocks {
        let transactions = (0..TRANSACTIONS)
            .map(|_| {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from((random >> 40) % SENDERS).expect("small");
                transaction(&mut senders[at], random >> 20, accounts)
            })
            .collect();
        file.extend(block(engine, number, transactions));
    }
    file
}

/// Of ten: four transfers, four tokens, two that write eight slots.
fn transaction(sender: &mut Sender, random: u64, accounts: u64) -> Bytes {
    let to = receiver((random >> 8) % (accounts * 2));
    let (gas_limit, to, value, input) = match random % 10 {
        0..4 => (21_000, to, 1_000_000_000u64, Bytes::new()),
        4..8 => {
            let amount = U256::ONE.to_be_bytes::<32>();
            let input = [to.into_word().as_slice(), &amount].concat();
            (100_000, TOKEN_PLACE, 0, input.into())
        }
        _ => {
            let slot = U256::from((random >> 8) % 40_000);
            (400_000, WRITER_PLACE, 0, slot.to_be_bytes::<32>().into())
        }
    };
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: sender.nonce,
        gas_limit,
        max_fee_per_gas: 1_000_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        input,
        ..TxEip1559::default()
    };
    sender.nonce += 1;
    let signature: Signature = sender
        .key
        .sign_prehash_recoverable(tx.signature_hash().as_slice())
        .expect("signs")
        .into();
    signed(tx, signature).encoded_2718().into()
}

fn block(engine: &EvmEngine, number: u64, transactions: Vec<Bytes>) -> Vec<u8> {
    let parent = engine.heads().expect("heads").latest;
    let header = engine
        .store()
        .header(BlockId::Hash(parent.hash))
        .expect("reads")
        .expect("known");
    let timestamp = header.timestamp + 12;
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(number),
        hash: parent.hash,
    };
    let attributes = Attributes {
        timestamp,
        fee_recipient: Address::repeat_byte(0xcb),
        gas_limit: GAS_LIMIT,
        anchor: Anchor::at(origin, DaOrdinal(number), B256::ZERO, timestamp),
        forced: Vec::new(),
        forced_budget: ForcedBudget::default(),
        ticks: Vec::new(),
        inbox: Vec::new(),
        max_bytes: 8 << 20,
        max_transactions: u32::MAX,
    };
    let mut list = TransactionList::new(transactions);
    let built = engine
        .build_block(&parent, attributes, &mut list)
        .expect("builds");
    engine
        .commit(&Heads::all(built.executed.block), &[])
        .expect("commits");
    let transactions: Vec<TxEnvelope> = built
        .input
        .transactions
        .iter()
        .map(|bytes| TxEnvelope::decode_2718(&mut bytes.as_ref()).expect("a transaction"))
        .collect();
    let body = BlockBody {
        transactions,
        ommers: Vec::new(),
        withdrawals: Some(Default::default()),
    };
    let mut bytes = Vec::new();
    Block::new(built.executed.header, body).encode(&mut bytes);
    bytes
}
