//! A second block executor, as simple as can be: plain revm over its own
//! `CacheDB`, one transaction at a time, Ethereum's rules written down from the
//! EIPs, alloy's root functions. It shares no code with the machine.

use super::support::{CHAIN_ID, Chain};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_consensus::{
    Eip658Value, EthereumTxEnvelope, Header, Receipt, ReceiptEnvelope, Transaction, TxEip4844,
    TxReceipt, Typed2718,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::SignerRecoverable,
};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, address, keccak256};
use alloy_trie::{
    TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use revm::{
    Context, ExecuteCommitEvm, MainBuilder, MainContext, SystemCallCommitEvm,
    bytecode::Bytecode,
    context::TxEnv,
    context_interface::{block::BlobExcessGasAndPrice, either::Either},
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};
use rollwright_core::BlockInput;

type Db = CacheDB<EmptyDB>;

/// Copies a chain's state into revm's own in-memory database.
fn database(chain: &Chain) -> Db {
    let mut db = Db::default();
    let codes: BTreeMap<B256, Bytes> = chain
        .state
        .codes()
        .map(|code| (keccak256(code), code.clone()))
        .collect();
    for (address, account, storage) in chain.state.accounts() {
        let mut info = AccountInfo::from_balance(account.balance).with_nonce(account.nonce);
        if let Some(code) = codes.get(&account.code_hash) {
            info = info.with_code(Bytecode::new_raw(code.clone()));
        }
        db.insert_account_info(*address, info);
        for (key, value) in storage {
            db.insert_account_storage(*address, (*key).into(), *value)
                .expect("no failure");
        }
    }
    for number in 0..=chain.header.number {
        // Only the parent's hash is needed by these tests' contracts.
        let hash = match number == chain.header.number {
            true => chain.header.hash_slow(),
            false => B256::ZERO,
        };
        db.cache.block_hashes.insert(U256::from(number), hash);
    }
    db
}

fn state_root(db: &Db) -> B256 {
    let mut accounts = Vec::new();
    for (address, account) in &db.cache.accounts {
        let info = &account.info;
        let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
        let storage_root =
            storage_root_unhashed(slots.map(|(key, value)| (B256::from(*key), *value)));
        if info.is_empty() {
            continue;
        }
        accounts.push((
            *address,
            TrieAccount {
                nonce: info.nonce,
                balance: info.balance,
                storage_root,
                code_hash: info.code_hash,
            },
        ));
    }
    state_root_unhashed(accounts)
}

/// EIP-1559's formula, in its own words.
pub(crate) fn base_fee(parent: &Header) -> u64 {
    let fee = u128::from(parent.base_fee_per_gas.expect("London"));
    let target = u128::from(parent.gas_limit / 2);
    let used = u128::from(parent.gas_used);
    let next = if used == target {
        fee
    } else if used > target {
        fee + (fee * (used - target) / target / 8).max(1)
    } else {
        fee - fee * (target - used) / target / 8
    };
    u64::try_from(next).expect("a fee")
}

/// The header that Ethereum gives the block of `input`, whose transactions
/// (`included`: forced ones that were included, then ordinary ones) are known.
pub(crate) fn header(chain: &Chain, input: &BlockInput, included: &[Bytes]) -> Header {
    let parent = &chain.header;
    let number = parent.number + 1;
    let mut randao = b"rollwright/prev_randao/v1".to_vec();
    randao.extend_from_slice(input.anchor.origin.hash.as_slice());
    randao.extend_from_slice(&number.to_le_bytes());
    let prev_randao = keccak256(randao);
    let beacon_root = keccak256(borsh::to_vec(&input.anchor).expect("encodes"));
    let base_fee = base_fee(parent);

    let mut evm = Context::mainnet()
        .with_db(database(chain))
        .modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            cfg.chain_id = CHAIN_ID;
        })
        .modify_block_chained(|block| {
            block.number = U256::from(number);
            block.beneficiary = input.fee_recipient;
            block.timestamp = U256::from(input.timestamp);
            block.gas_limit = input.gas_limit;
            block.basefee = base_fee;
            block.prevrandao = Some(prev_randao);
            block.blob_excess_gas_and_price = Some(BlobExcessGasAndPrice::new(0, 5_007_716));
        })
        .build_mainnet();

    let beacon_roots: Address = address!("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
    let history: Address = address!("0x0000F90827F1C53a10cb7A02335B175320002935");
    let withdrawals: Address = address!("0x00000961Ef480Eb55e80D19ad83579A64c007002");
    let consolidations: Address = address!("0x0000BBdDc7CE488642fb579F8B00f3a590007251");
    evm.system_call_commit(beacon_roots, beacon_root.into())
        .expect("EIP-4788");
    evm.system_call_commit(history, parent.hash_slow().into())
        .expect("EIP-2935");

    let mut gas_used = 0;
    let mut receipts: Vec<ReceiptEnvelope> = Vec::new();
    let mut transactions = Vec::new();
    for bytes in included {
        let tx = EthereumTxEnvelope::<TxEip4844>::decode_2718_exact(bytes).expect("decodes");
        assert!(tx.gas_limit() <= input.gas_limit - gas_used);
        let env = TxEnv::builder()
            .tx_type(Some(tx.ty()))
            .caller(tx.recover_signer().expect("recovers"))
            .gas_limit(tx.gas_limit())
            .gas_price(tx.max_fee_per_gas())
            .gas_priority_fee(tx.max_priority_fee_per_gas())
            .kind(tx.kind())
            .value(tx.value())
            .data(tx.input().clone())
            .nonce(tx.nonce())
            .chain_id(tx.chain_id())
            .access_list(tx.access_list().cloned().unwrap_or_default())
            .authorization_list(
                tx.authorization_list()
                    .unwrap_or_default()
                    .iter()
                    .cloned()
                    .map(Either::Left)
                    .collect(),
            )
            .build()
            .expect("a valid environment");
        let result = evm.transact_commit(env).expect("a valid transaction");
        gas_used += result.tx_gas_used();
        let receipt = Receipt {
            status: Eip658Value::Eip658(result.is_success()),
            cumulative_gas_used: gas_used,
            logs: result.into_logs(),
        };
        receipts.push(ReceiptEnvelope::from_typed(
            tx.tx_type(),
            receipt.with_bloom(),
        ));
        transactions.push(tx);
    }
    for contract in [withdrawals, consolidations] {
        let result = evm
            .system_call_commit(contract, Bytes::new())
            .expect("a system call");
        assert!(result.is_success() && result.output().is_some_and(|output| output.is_empty()));
    }

    let mut bloom = alloy_primitives::Bloom::ZERO;
    for receipt in &receipts {
        bloom |= receipt.bloom();
    }
    Header {
        parent_hash: parent.hash_slow(),
        beneficiary: input.fee_recipient,
        state_root: state_root(&evm.ctx.journaled_state.database),
        transactions_root: calculate_transaction_root(&transactions),
        receipts_root: calculate_receipt_root(&receipts),
        logs_bloom: bloom,
        number,
        gas_limit: input.gas_limit,
        gas_used,
        timestamp: input.timestamp,
        mix_hash: prev_randao,
        base_fee_per_gas: Some(base_fee),
        withdrawals_root: Some(alloy_trie::EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(beacon_root),
        requests_hash: Some(alloy_primitives::b256!(
            "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )),
        ..Header::default()
    }
}
