use super::*;
use crate::engine::{EngineError, EvmEngine, MAX_TRANSACTION_BYTES, TransactionList};
use alloy_consensus::{TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{TxKind, U256};
use rollwright_core::{Address, B256, Bytes, CandidateOutcome, ErrorKind, LayerError, keccak256};

const CHAIN: u64 = crate::genesis::DEV_CHAIN_ID;

fn refusal(engine: &EvmEngine, bytes: &Bytes) -> EngineError {
    let error = engine.admit_transaction(bytes).expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert!(error.code().starts_with("RW-EVM-"), "{}", error.code());
    error
}

/// Refused with this text, and no builder includes it either.
fn refused(bytes: Bytes, text: &str) {
    let engine = engine();
    let error = refusal(&engine, &bytes).to_string();
    assert!(error.contains(text), "\"{error}\" does not say \"{text}\"");
    let parent = engine.heads().expect("heads").latest;
    let attributes = attributes(&header(&engine, &parent));
    let mut offered = TransactionList::new([bytes]);
    let built = engine
        .build_block(&parent, attributes, &mut offered)
        .expect("a block");
    assert_eq!(built.executed.transactions, 0);
    let included = |(_, outcome): &(B256, CandidateOutcome)| *outcome == CandidateOutcome::Included;
    assert!(!offered.outcomes().iter().any(included));
}

#[test]
fn a_transaction_is_admitted_with_its_facts() {
    let engine = engine();
    let bytes = sign(fields(3), key(0));
    let admission = engine.admit_transaction(&bytes).expect("admitted");
    let account = crate::genesis::dev_account(0).expect("an account");
    let ether = U256::from(10).pow(U256::from(18));
    assert_eq!(admission.hash, keccak256(&bytes));
    assert_eq!(admission.sender, account.address);
    assert_eq!((admission.nonce, admission.account_nonce), (3, 0));
    assert_eq!(admission.balance, U256::from(10_000) * ether);
    assert_eq!(
        admission.max_cost,
        U256::from(21_000u64 * 100_000_000_000 + 1)
    );
    assert_eq!(admission.max_priority_fee_per_gas, 1_000_000_000);
    assert_eq!(engine.senders().get(&admission.hash), Some(account.address));
}

#[test]
fn every_type_but_blobs_is_admitted() {
    let engine = engine();
    let price = 2_000_000_000;
    let to = TxKind::Call(Address::repeat_byte(1));
    let legacy = |chain_id| TxLegacy {
        chain_id,
        gas_price: price,
        gas_limit: 21_000,
        to,
        ..Default::default()
    };
    let authorisation = alloy_eips::eip7702::Authorization {
        chain_id: U256::from(CHAIN),
        address: WRITER,
        nonce: 0,
    };
    let signed =
        alloy_consensus::crypto::secp256k1::sign_message(key(1), authorisation.signature_hash());
    let set_code = TxEip7702 {
        chain_id: CHAIN,
        gas_limit: 100_000,
        max_fee_per_gas: price,
        authorization_list: vec![authorisation.into_signed(signed.expect("a key"))],
        ..Default::default()
    };
    for bytes in [
        sign(legacy(Some(CHAIN)), key(0)),
        // Unprotected: what deterministic deployers are made with.
        sign(legacy(None), key(0)),
        sign(
            TxEip2930 {
                chain_id: CHAIN,
                gas_price: price,
                gas_limit: 21_000,
                to,
                ..Default::default()
            },
            key(0),
        ),
        sign(fields(0), key(0)),
        sign(set_code, key(0)),
    ] {
        let admission = engine.admit_transaction(&bytes).expect("admitted");
        assert_eq!(admission.account_nonce, 0);
    }
    let blob = alloy_consensus::TxEip4844 {
        chain_id: CHAIN,
        ..Default::default()
    };
    refused(sign(blob, key(0)), "blob transactions");
}

#[test]
fn bytes_that_are_no_transaction_are_refused() {
    for bytes in [&[][..], &[0], &[2, 0xc0], &[0xff; 40], &[0x7f; 40]] {
        refused(Bytes::copy_from_slice(bytes), "not a transaction");
    }
    let mut longer = sign(fields(0), key(0)).to_vec();
    longer.push(0);
    refused(longer.into(), "not a transaction");
}

#[test]
fn an_oversized_transaction_is_refused_before_it_is_decoded() {
    let engine = engine();
    let bytes = Bytes::from(vec![0; MAX_TRANSACTION_BYTES + 1]);
    let error = refusal(&engine, &bytes);
    assert!(matches!(error, EngineError::Oversized { .. }), "{error}");
    assert!(error.to_string().contains("oversized data"));
}

#[test]
fn a_signature_that_recovers_nobody_is_refused() {
    use crate::machine::TxEnvelope;
    use alloy_consensus::SignableTransaction;
    use alloy_eips::eip2718::Encodable2718;
    let signature = alloy_primitives::Signature::new(U256::from(1), U256::MAX >> 1, false);
    let bytes = TxEnvelope::from(fields(0).into_signed(signature)).encoded_2718();
    refused(bytes.into(), "signature is invalid");
}

#[test]
fn another_chains_transaction_is_refused() {
    let other = alloy_consensus::TxEip1559 {
        chain_id: 1,
        ..fields(0)
    };
    refused(sign(other, key(0)), "invalid chain id");
}

#[test]
fn gas_rules_are_refused_by_name() {
    let with_gas = |gas_limit| alloy_consensus::TxEip1559 {
        gas_limit,
        ..fields(0)
    };
    refused(
        sign(with_gas(20_999), key(0)),
        "intrinsic gas too low: have 20999, want 21000",
    );
    refused(sign(with_gas((1 << 24) + 1), key(0)), "gas limit too high");
    refused(
        sign(with_gas(2_000_000_000), key(0)),
        "exceeds block gas limit",
    );
    // EIP-7623: 40 gas for each of 1,000 non-zero bytes.
    let data = alloy_consensus::TxEip1559 {
        input: vec![1; 1_000].into(),
        ..with_gas(40_000)
    };
    refused(sign(data, key(0)), "floor data gas");
    let listed = alloy_consensus::TxEip1559 {
        access_list: AccessList(vec![AccessListItem {
            address: WRITER,
            storage_keys: vec![B256::ZERO],
        }]),
        ..with_gas(25_000)
    };
    refused(sign(listed, key(0)), "want 25300");
}

#[test]
fn fee_rules_are_refused_by_name() {
    let tip = alloy_consensus::TxEip1559 {
        max_priority_fee_per_gas: 200_000_000_000,
        ..fields(0)
    };
    refused(
        sign(tip, key(0)),
        "max priority fee per gas higher than max fee per gas",
    );
    let rich = alloy_consensus::TxEip1559 {
        value: U256::from(10).pow(U256::from(23)),
        ..fields(0)
    };
    refused(
        sign(rich, key(0)),
        "insufficient funds for gas * price + value",
    );
    let overflow = alloy_consensus::TxEip1559 {
        value: U256::MAX,
        ..fields(0)
    };
    refused(sign(overflow, key(0)), "overflow");
    refused(
        sign(fields(0), B256::repeat_byte(0x42)),
        "insufficient funds for gas * price + value: have 0",
    );
}

#[test]
fn nonce_rules_are_refused_by_name() {
    refused(sign(fields(u64::MAX), key(0)), "nonce has max value");
    let engine = engine();
    extend(&engine, vec![nth(0), nth(1)]);
    let error = refusal(&engine, &nth(1)).to_string();
    assert!(
        error.contains("nonce too low: next nonce 2, tx nonce 1"),
        "{error}"
    );
    assert!(engine.admit_transaction(&nth(2)).is_ok());
    assert!(engine.admit_transaction(&nth(40)).is_ok());
}

#[test]
fn a_fee_cap_below_the_base_fee_may_fit_later() {
    let cheap = alloy_consensus::TxEip1559 {
        max_fee_per_gas: 10,
        max_priority_fee_per_gas: 1,
        ..fields(0)
    };
    let bytes = sign(cheap, key(0));
    let engine = engine();
    assert!(engine.admit_transaction(&bytes).is_ok());
    let parent = engine.heads().expect("heads").latest;
    let mut offered = TransactionList::new([bytes.clone()]);
    let attributes = attributes(&header(&engine, &parent));
    engine
        .build_block(&parent, attributes, &mut offered)
        .expect("a block");
    assert_eq!(
        offered.outcomes(),
        [(keccak256(&bytes), CandidateOutcome::Later)]
    );
    assert_eq!(offered.into_waiting(), [bytes]);
}

#[test]
fn init_code_above_the_limit_is_refused() {
    let create = alloy_consensus::TxEip1559 {
        to: TxKind::Create,
        input: vec![0; 49_153].into(),
        gas_limit: 10_000_000,
        ..fields(0)
    };
    refused(sign(create, key(0)), "max initcode size exceeded");
}

#[test]
fn an_empty_authorisation_list_is_refused() {
    let empty = TxEip7702 {
        chain_id: CHAIN,
        gas_limit: 100_000,
        max_fee_per_gas: 2_000_000_000,
        ..Default::default()
    };
    refused(sign(empty, key(0)), "empty auth list");
}

#[test]
fn a_sender_with_code_is_refused_and_one_that_delegates_is_not() {
    let account = crate::genesis::dev_account(0).expect("an account").address;
    let with_code = |code: Vec<u8>| {
        let mut genesis = chain(0);
        let entry = genesis.alloc.get_mut(&account).expect("funded");
        entry.code = Some(code.into());
        EvmEngine::in_memory(genesis).expect("a chain")
    };
    let error = refusal(&with_code(vec![0x60, 0]), &nth(0)).to_string();
    assert!(error.contains("sender not an eoa"), "{error}");
    let delegation = [&[0xef, 0x01, 0x00][..], WRITER.as_slice()].concat();
    assert!(with_code(delegation).admit_transaction(&nth(0)).is_ok());
}
