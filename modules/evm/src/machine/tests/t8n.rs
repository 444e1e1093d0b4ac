//! Random blocks against Ethereum's executable specification (feature
//! `acceptance`): state root, receipts root, transactions root, bloom, logs,
//! gas, requests.
//!
//! `T8N` names the command, `ethereum-spec-evm` unless set (`ethereum-execution`
//! 2.20.0 of PyPI); `T8N_SEEDS` is a range such as `0..200`.

use super::support::*;
use crate::{genesis::Genesis, machine::BuiltBlock};
use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, hex, keccak256};
use serde_json::{Map, Value, json};
use std::{
    env,
    io::Write,
    process::{Command, Stdio},
};

/// Seeds of a plain run.
const SEEDS: &str = "0..6";

/// Blocks per seed, and transactions offered for each.
const BLOCKS: usize = 2;
const OFFERED: usize = 16;

/// Contracts that transactions call, by their last byte.
const CONTRACTS: [(u8, &[u8]); 9] = [
    // sstore(calldata[0], calldata[32]); log1(calldata, calldata[0]).
    (1, &hex!("6020355f35555f355f525f3560205fa100")),
    // Ends itself for calldata[0].
    (2, &hex!("5f35ff")),
    // Reverts with its calldata after a write.
    (3, &hex!("6001600155365f5f37365ffd")),
    // Runs out of gas.
    (4, &hex!("5b5f56")),
    // Calls precompile calldata[0] with the rest, and keeps what it says.
    (
        5,
        &hex!("60203603602060003760405f602036035f5f355afa60015560405f206002550000"),
    ),
    // create(callvalue, calldata), then create2 of the same; keeps both.
    (6, &hex!("365f5f37365f34f05f555f365f5ff560015500")),
    // Calls calldata[0] with the rest and half of the gas, and keeps the answer.
    (
        7,
        &hex!("6020360360205f375f5f602036035f5f5f355a60011cf160035500"),
    ),
    // The block: number, time, randao, base fee, the last hash, chain id, CLZ.
    (
        8,
        &hex!("435f55426001554460025548600355600143034060045546600555341e60065500"),
    ),
    // tstore, tload, mcopy.
    (9, &hex!("60075f5d5f5c5f5260205f60405e60405160075500")),
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end
    }

    fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

fn contract(last: u8) -> Address {
    let mut address = Address::repeat_byte(0xc0);
    address.0[19] = last;
    address
}

fn genesis() -> Genesis {
    let mut genesis = dev_genesis().genesis();
    for (last, code) in CONTRACTS {
        let account = GenesisAccount {
            balance: U256::from(1_000),
            code: Some(Bytes::from_static(code)),
            ..Default::default()
        };
        genesis.alloc.insert(contract(last), account);
    }
    genesis
}

/// A place that means something to the contracts.
fn target(random: &mut Random) -> Address {
    match random.below(10) {
        0 => address(random.below(5) as u32),
        1 => Address::with_last_byte(random.below(20) as u8),
        2 => Address::repeat_byte(random.below(4) as u8 + 0x50),
        _ => contract(random.below(9) as u8 + 1),
    }
}

/// Calldata: an address or a small number, then noise; or code to deploy.
fn input(random: &mut Random) -> Bytes {
    let mut bytes = match random.below(4) {
        0 => return Bytes::new(),
        1 => B256::from(U256::from(random.below(18))).to_vec(),
        2 => target(random).into_word().to_vec(),
        // Deploys its own tail.
        _ => hex!("600a600c5f39600a5ff3600160005401600055").to_vec(),
    };
    for _ in 0..random.below(8) * 16 {
        bytes.push(if random.chance(3) {
            0
        } else {
            random.next() as u8
        });
    }
    bytes.into()
}

fn access(random: &mut Random) -> AccessList {
    let items = (0..random.below(3)).map(|_| AccessListItem {
        address: target(random),
        storage_keys: (0..random.below(3))
            .map(|key| U256::from(key).into())
            .collect(),
    });
    AccessList(items.collect())
}

/// A transaction of any kind. Some can't go into a block; the builder says so.
fn transaction(random: &mut Random, nonces: &mut [u64; 5]) -> Bytes {
    let from = random.below(4) as u32;
    let nonce = nonces[from as usize];
    nonces[from as usize] += 1;
    let to = match random.chance(6) {
        true => TxKind::Create,
        false => TxKind::Call(target(random)),
    };
    let gas_limit = [60_000, 200_000, 900_000][random.below(3) as usize];
    let value = U256::from(random.below(3) * 7);
    let input = input(random);
    let price = (2 + random.below(3) as u128) * GWEI;
    match random.below(5) {
        0 => sign(
            from,
            TxLegacy {
                chain_id: (!random.chance(4)).then_some(CHAIN_ID),
                nonce,
                gas_price: price,
                gas_limit,
                to,
                value,
                input,
            },
        ),
        1 => sign(
            from,
            TxEip2930 {
                chain_id: CHAIN_ID,
                nonce,
                gas_price: price,
                gas_limit,
                to,
                value,
                access_list: access(random),
                input,
            },
        ),
        2 => {
            let list = (0..1 + random.below(3)).map(|_| {
                let who = random.below(5) as u32;
                let wrong = u64::from(random.chance(3));
                let nonce = nonces[who as usize] + wrong;
                nonces[who as usize] += 1 - wrong;
                authorization(who, nonce, target(random))
            });
            let authorization_list = list.collect();
            sign(
                from,
                TxEip7702 {
                    chain_id: CHAIN_ID,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: price,
                    max_priority_fee_per_gas: GWEI,
                    to: target(random),
                    value,
                    access_list: access(random),
                    authorization_list,
                    input,
                },
            )
        }
        _ => sign(
            from,
            TxEip1559 {
                value,
                gas_limit,
                max_fee_per_gas: price,
                max_priority_fee_per_gas: price.min(GWEI * u128::from(random.below(3))),
                access_list: access(random),
                ..eip1559(nonce, to, input)
            },
        ),
    }
}

/// The parent's state, as the specification's tool reads it.
fn alloc(chain: &Chain) -> Value {
    let codes: Map<String, Value> = chain
        .state
        .codes()
        .map(|code| (keccak256(code).to_string(), code.to_string().into()))
        .collect();
    let accounts = chain.state.accounts().map(|(address, account, storage)| {
        let storage = storage.iter().map(|(key, value)| {
            let value = B256::from(*value).to_string();
            (key.to_string(), Value::from(value))
        });
        let code = codes.get(&account.code_hash.to_string()).cloned();
        let account = json!({
            "balance": format!("{:#x}", account.balance),
            "nonce": format!("{:#x}", account.nonce),
            "code": code.unwrap_or_else(|| "0x".into()),
            "storage": storage.collect::<Map<_, _>>(),
        });
        (address.to_string().to_lowercase(), account)
    });
    accounts.collect::<Map<_, _>>().into()
}

fn environment(chain: &Chain, hashes: &[B256], built: &BuiltBlock) -> Value {
    let header = &built.outcome.applied.header;
    let hashes = hashes
        .iter()
        .enumerate()
        .map(|(number, hash)| (format!("{number:#x}"), Value::from(hash.to_string())));
    json!({
        "currentCoinbase": header.beneficiary.to_string().to_lowercase(),
        "currentGasLimit": format!("{:#x}", header.gas_limit),
        "currentNumber": format!("{:#x}", header.number),
        "currentTimestamp": format!("{:#x}", header.timestamp),
        "parentBaseFee": format!("{:#x}", chain.header.base_fee_per_gas.unwrap_or_default()),
        "parentGasUsed": format!("{:#x}", chain.header.gas_used),
        "parentGasLimit": format!("{:#x}", chain.header.gas_limit),
        "parentExcessBlobGas": "0x0",
        "parentBlobGasUsed": "0x0",
        "currentRandom": header.mix_hash.to_string(),
        "parentBeaconBlockRoot": header.parent_beacon_block_root.map(|root| root.to_string()),
        "withdrawals": [],
        "blockHashes": hashes.collect::<Map<_, _>>(),
    })
}

/// What the specification makes of the block.
fn specified(chain: &Chain, hashes: &[B256], built: &BuiltBlock) -> Value {
    let transactions = &built.outcome.applied.transactions;
    let mut payload = Vec::new();
    for bytes in transactions {
        // A typed transaction is a byte string in the list.
        match bytes.first() {
            Some(kind) if *kind < 0x80 => payload.extend(alloy_rlp::encode(&bytes[..])),
            _ => payload.extend_from_slice(bytes),
        }
    }
    let mut list = Vec::new();
    let head = alloy_rlp::Header {
        list: true,
        payload_length: payload.len(),
    };
    head.encode(&mut list);
    list.extend(payload);
    let given = json!({
        "alloc": alloc(chain),
        "env": environment(chain, hashes, built),
        "txs": hex::encode_prefixed(list),
    });
    let folder = tempfile::tempdir().expect("a folder");
    let command = env::var("T8N").unwrap_or_else(|_| "ethereum-spec-evm".into());
    let mut child = Command::new(&command)
        .args(["t8n", "--state.fork", "Osaka", "--state.chainid"])
        .arg(CHAIN_ID.to_string())
        .args(["--input.alloc", "stdin", "--input.env", "stdin"])
        .args(["--input.txs", "stdin", "--output.alloc", "alloc.json"])
        .args(["--output.result", "stdout", "--output.basedir"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`{command}` (set T8N) cannot be run: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(given.to_string().as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command} failed");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    answer["result"].clone()
}

fn seeds() -> std::ops::Range<u64> {
    let text = env::var("T8N_SEEDS").unwrap_or_else(|_| SEEDS.into());
    let (first, end) = text.split_once("..").expect("a range such as 0..200");
    first.parse().expect("a number")..end.parse().expect("a number")
}

#[test]
fn blocks_are_what_the_executable_specification_says() {
    let (mut all, mut failed) = (0, 0);
    for seed in seeds() {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut chain = Chain::of(&genesis());
        let mut hashes = vec![chain.header.hash_slow()];
        for _ in 0..BLOCKS {
            let mut nonces = [0; 5];
            for (who, nonce) in (0..).zip(&mut nonces) {
                let account = chain.state.accounts().find(|(a, _, _)| **a == address(who));
                *nonce = account.map_or(0, |(_, account, _)| account.nonce);
            }
            let offered = (0..OFFERED)
                .map(|_| transaction(&mut random, &mut nonces))
                .collect();
            let attributes = chain.attributes();
            let built = chain.build(&attributes, &mut Pool::new(offered));
            let header = &built.outcome.applied.header;
            let said = specified(&chain, &hashes, &built);
            assert_eq!(said["rejected"], json!([]), "seed {seed}");
            let logs: Vec<Log> = built
                .outcome
                .receipts
                .iter()
                .flat_map(|receipt| receipt.logs().to_vec())
                .collect();
            for (key, ours) in [
                ("stateRoot", header.state_root.to_string()),
                ("txRoot", header.transactions_root.to_string()),
                ("receiptsRoot", header.receipts_root.to_string()),
                ("logsBloom", header.logs_bloom.to_string()),
                ("logsHash", keccak256(alloy_rlp::encode(&logs)).to_string()),
                ("gasUsed", format!("{:#x}", header.gas_used)),
                (
                    "currentBaseFee",
                    format!("{:#x}", header.base_fee_per_gas.unwrap_or_default()),
                ),
                (
                    "requestsHash",
                    header.requests_hash.unwrap_or_default().to_string(),
                ),
            ] {
                assert_eq!(
                    said[key], ours,
                    "{key}, seed {seed}, block {}",
                    header.number
                );
            }
            all += built.outcome.receipts.len();
            failed += built
                .outcome
                .receipts
                .iter()
                .filter(|r| !r.is_success())
                .count();
            chain.block(built.ordinary);
            hashes.push(chain.header.hash_slow());
        }
    }
    // The mix is one of all kinds.
    assert!(
        failed > 0 && failed * 4 < all * 3,
        "{failed} of {all} failed"
    );
}
