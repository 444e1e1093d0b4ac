//! EIPs at a time of the chain's own: before, at and after it.
//!
//! Expected values are those of the EIPs' texts; Osaka's EIPs on Prague are
//! compared with Osaka as well, which `t8n` compares with Ethereum's
//! executable specification.

use super::support::*;
use crate::{
    genesis::{Eip, Genesis},
    machine::{self, BlockOutcome, CallRequest, Overrides},
};
use alloy_consensus::TxEip1559;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, b256, hex};
use proptest::prelude::*;
use rollwright_core::StateAccess as _;

/// The contract under test.
const HERE: Address = address!("0xc0000000000000000000000000000000000000c0");

/// First time at which a switch holds: block 2 has it, block 1 does not.
const SWITCH: u64 = GENESIS_TIME + 2;

#[derive(Clone, Copy, PartialEq)]
enum Fork {
    Cancun,
    Prague,
    Osaka,
}

/// A chain that follows `fork`, with these switches, and `code` at [`HERE`].
fn genesis(fork: Fork, eips: &[(Eip, u64)], code: &[u8]) -> Genesis {
    let mut genesis = dev_genesis().genesis();
    let config = &mut genesis.config;
    if fork != Fork::Osaka {
        config.osaka_time = None;
        config.blob_schedule.remove("osaka");
    }
    if fork == Fork::Cancun {
        config.prague_time = None;
        config.blob_schedule.remove("prague");
    }
    let rollup = config.rollwright.as_mut().expect("a rollup");
    rollup.eips = eips
        .iter()
        .map(|(eip, time)| (eip.key().into(), *time))
        .collect();
    let account = GenesisAccount::default()
        .with_nonce(Some(1))
        .with_balance(U256::from(1_000))
        .with_code(Some(Bytes::copy_from_slice(code)));
    genesis.alloc.insert(HERE, account);
    genesis
}

fn chain(fork: Fork, eips: &[(Eip, u64)], code: &[u8]) -> Chain {
    Chain::of(&genesis(fork, eips, code))
}

/// Keeps whether the precompile succeeded for the call data (slot 0), the first
/// word (1) and the length (2) of what it said.
fn calling(precompile: u16) -> Vec<u8> {
    let mut code = hex!("365f5f376020612000365f61").to_vec();
    code.extend(precompile.to_be_bytes());
    code.extend(hex!("5afa5f553d60025561200051600155 00"));
    code
}

fn message(nonce: u64, input: &[u8]) -> Bytes {
    let to = TxKind::Call(HERE);
    let tx = TxEip1559 {
        gas_limit: 16_000_000,
        ..eip1559(nonce, to, Bytes::copy_from_slice(input))
    };
    sign(0, tx)
}

/// A block with one message to the contract; whether it succeeded, and its gas.
fn send(chain: &mut Chain, input: &[u8]) -> (bool, u64) {
    let nonce = nonce(chain);
    let outcome = chain.block(vec![message(nonce, input)]);
    (outcome.receipts[0].status(), gas(&outcome))
}

fn nonce(chain: &mut Chain) -> u64 {
    let account = chain.state.account(address(0)).expect("reads");
    account.expect("an account").nonce
}

fn gas(outcome: &BlockOutcome) -> u64 {
    outcome.applied.header.gas_used
}

fn slot(chain: &mut Chain, index: u64) -> U256 {
    chain
        .state
        .slot(HERE, B256::from(U256::from(index)))
        .expect("reads")
}

fn balance(chain: &mut Chain, address: Address) -> U256 {
    let account = chain.state.account(address).expect("reads");
    account.map_or(U256::ZERO, |account| account.balance)
}

/// What the precompile says in the blocks before, at and after the switch:
/// length and first word.
fn around(fork: Fork, eip: Eip, precompile: u16, input: &[u8]) -> [(u64, U256, U256); 3] {
    let mut chain = chain(fork, &[(eip, SWITCH)], &calling(precompile));
    [(); 3].map(|()| {
        let (_, gas) = send(&mut chain, input);
        (gas, slot(&mut chain, 2), slot(&mut chain, 1))
    })
}

/// EIP-7951's published vectors number 1 (valid) and 2 (r above the order).
const VALID: [u8; 160] = hex!(
    "bb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023"
    "2ba3a8be6b94d5ec80a6d9d1190a436effe50d85a1eee859b8cc6af9bd5c2e18"
    "4cd60b855d442f5b3c7b11eb6c4e0ae7525fe710fab9aa7c77a67f79e6fadd76"
    "2927b10512bae3eddcfe467828128bad2903269919f7086069c8c4df6c732838"
    "c7787964eaac00e5921fb1498a60f4606766b3d9685001558d1a974e7341513e"
);
const INVALID: [u8; 160] = hex!(
    "bb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023"
    "d45c5740946b2a147f59262ee6f5bc90bd01ed280528b62b3aed5fc93f06f739"
    "b329f479a2bbd0a5c384ee1493b1f5186a87139cac5df4087c134b49156847db"
    "2927b10512bae3eddcfe467828128bad2903269919f7086069c8c4df6c732838"
    "c7787964eaac00e5921fb1498a60f4606766b3d9685001558d1a974e7341513e"
);

#[test]
fn p256_signatures_are_verified_from_the_switch_on() {
    let one = (U256::from(32), U256::from(1));
    let nothing = (U256::ZERO, U256::ZERO);
    for eip in [Eip::Rip7212, Eip::Eip7951] {
        let [before, at, after] = around(Fork::Prague, eip, 0x100, &VALID);
        assert_eq!((before.1, before.2), nothing, "{eip}");
        assert_eq!((at.1, at.2), one, "{eip}");
        assert_eq!((after.1, after.2), one, "{eip}");
        let [_, at, _] = around(Fork::Prague, eip, 0x100, &INVALID);
        assert_eq!((at.1, at.2), nothing, "{eip}");
    }
}

#[test]
fn the_two_prices_of_p256_differ_as_the_texts_say() {
    let [_, rip, _] = around(Fork::Prague, Eip::Rip7212, 0x100, &VALID);
    let [_, eip, _] = around(Fork::Prague, Eip::Eip7951, 0x100, &VALID);
    assert_eq!(eip.0 - rip.0, 6_900 - 3_450);
    // Where both are on, the later text holds.
    let both = [(Eip::Rip7212, 0), (Eip::Eip7951, SWITCH)];
    let mut chain = chain(Fork::Prague, &both, &calling(0x100));
    let before = send(&mut chain, &VALID).1;
    let at = send(&mut chain, &VALID).1;
    // The slots that the first block writes are rewritten unchanged.
    let mut plain = self::chain(Fork::Prague, &both[..1], &calling(0x100));
    assert_eq!(before, send(&mut plain, &VALID).1);
    assert_eq!(at - send(&mut plain, &VALID).1, 6_900 - 3_450);
}

/// Published vectors of EIP-7939.
#[test]
fn clz_counts_from_the_switch_on() {
    let mut chain = chain(
        Fork::Prague,
        &[(Eip::Eip7939, SWITCH)],
        &hex!("5f351e5f5500"),
    );
    assert!(!send(&mut chain, &U256::ONE.to_be_bytes::<32>()).0);
    let high = U256::ONE << 255;
    for (word, zeros) in [
        (U256::ZERO, 256),
        (high, 0),
        (U256::MAX, 0),
        (high >> 1, 1),
        (U256::MAX >> 1, 1),
        (U256::ONE, 255),
    ] {
        assert!(send(&mut chain, &word.to_be_bytes::<32>()).0);
        assert_eq!(slot(&mut chain, 0), U256::from(zeros), "{word:#x}");
    }
}

#[test]
fn a_transaction_may_have_more_than_2_to_the_24_gas_until_the_switch() {
    let mut chain = chain(Fork::Prague, &[(Eip::Eip7825, SWITCH)], &[0]);
    let with = |nonce, gas_limit| {
        sign(
            0,
            TxEip1559 {
                gas_limit,
                ..eip1559(nonce, TxKind::Call(HERE), Bytes::new())
            },
        )
    };
    chain.block(vec![with(0, (1 << 24) + 1)]);
    let (index, reason) = chain.refusal(vec![with(1, (1 << 24) + 1)]);
    assert_eq!(index, Some(0));
    assert!(reason.contains("16777216"), "{reason}");
    chain.block(vec![with(1, 1 << 24)]);
}

#[test]
fn estimates_keep_to_the_switched_cap() {
    // More memory than any gas pays for: MSTORE far out.
    let chain = chain(
        Fork::Prague,
        &[(Eip::Eip7825, SWITCH)],
        &hex!("5f63ffffffff52"),
    );
    let request = CallRequest {
        from: address(0),
        to: Some(HERE),
        ..CallRequest::default()
    };
    let at = |timestamp| {
        let header = alloy_consensus::Header {
            timestamp,
            ..chain.header.clone()
        };
        let mut state = chain.state.clone();
        let config = &chain.genesis.config;
        machine::estimate(config, &header, &mut state, &request, &Overrides::default())
            .expect_err("it never ends")
            .to_string()
    };
    assert_eq!(at(SWITCH), "gas required exceeds allowance (16777216)");
    assert_eq!(
        at(SWITCH - 1),
        "gas required exceeds allowance (1000000000)"
    );
}

/// A call of MODEXP with operands of these lengths, and this exponent.
fn modexp(base: usize, exponent: &[u8], modulus: usize) -> Vec<u8> {
    let mut input = Vec::new();
    for length in [base, exponent.len(), modulus] {
        input.extend(U256::from(length).to_be_bytes::<32>());
    }
    input.extend(vec![0xff; base]);
    input.extend(exponent);
    input.extend(vec![0xfe; modulus]);
    input
}

/// The table of EIP-7883: the price depends on lengths and exponent alone.
#[test]
fn modexp_costs_what_eip_7883_says_from_the_switch_on() {
    let (square, qube, power) = (&[2][..], &[3][..], &[1, 0, 1][..]);
    for (length, exponent, before, after) in [
        (64, square, 200, 500),
        (64, qube, 200, 500),
        (64, power, 341, 2048),
        (128, square, 200, 512),
        (128, power, 1365, 8192),
        (256, square, 341, 2048),
        (256, qube, 341, 2048),
        (256, power, 5461, 32768),
        (512, square, 1365, 8192),
        (512, power, 21845, 131_072),
        (1024, square, 5461, 32768),
        (1024, power, 87381, 524_288),
    ] {
        // The longer of base and modulus counts; what is absent is zero. With
        // all operands the price of call data would hide the difference.
        let input = &modexp(0, exponent, length)[..96 + exponent.len()];
        let dearer = [(Eip::Eip7883, GENESIS_TIME + 3)];
        let mut chain = chain(Fork::Prague, &dearer, &calling(5));
        send(&mut chain, input);
        // Slots as they were: what differs is the price.
        let (_, first) = send(&mut chain, input);
        let (_, then) = send(&mut chain, input);
        assert_eq!(then - first, after - before, "{length}");
        assert_eq!(slot(&mut chain, 0), U256::from(1));
    }
}

#[test]
fn modexp_refuses_longer_operands_from_the_switch_on() {
    for (input, length) in [
        (modexp(1025, &[1], 1), 1),
        (modexp(1, &[0; 1025], 1), 1),
        (modexp(1, &[1], 1025), 1025),
        (modexp(1024, &[1], 1), 1),
        (modexp(1, &[0; 1024], 1), 1),
        (modexp(1, &[1], 1024), 1024),
    ] {
        let fits = input.len() == 96 + 1024 + 2;
        let mut chain = chain(Fork::Prague, &[(Eip::Eip7823, SWITCH)], &calling(5));
        for expected in [true, fits, fits] {
            assert!(send(&mut chain, &input).0);
            assert_eq!(slot(&mut chain, 0), U256::from(u8::from(expected)));
            let length = if expected { length } else { 0 };
            assert_eq!(slot(&mut chain, 2), U256::from(length));
        }
    }
}

#[test]
fn call_data_has_a_floor_price_on_cancun_from_the_switch_on() {
    let mut chain = chain(Fork::Cancun, &[(Eip::Eip7623, SWITCH)], &[]);
    let to = TxKind::Call(Address::repeat_byte(0x77));
    let with = |nonce, gas_limit| {
        let input = Bytes::from(vec![1; 100]);
        sign(
            0,
            TxEip1559 {
                gas_limit,
                ..eip1559(nonce, to, input)
            },
        )
    };
    let usual = 21_000 + 100 * 16;
    let floor = 21_000 + 100 * 40;
    let mut used = |nonce, limit| gas(&chain.block(vec![with(nonce, limit)]));
    assert_eq!(used(0, floor - 1), usual);
    assert_eq!(used(1, floor), floor);
    let (_, reason) = chain.refusal(vec![with(2, floor - 1)]);
    assert!(reason.contains(&floor.to_string()), "{reason}");
    // A call is refused like a transaction, and an estimate finds the floor.
    let request = CallRequest {
        from: address(0),
        to: Some(Address::repeat_byte(0x77)),
        input: vec![1; 100].into(),
        gas: Some(floor - 1),
        ..CallRequest::default()
    };
    let (config, header) = (&chain.genesis.config, &chain.header);
    let mut state = chain.state.clone();
    let refused = machine::call(config, header, &mut state, &request, &Overrides::default());
    assert!(refused.is_err(), "{refused:?}");
    let open = CallRequest {
        gas: None,
        ..request
    };
    let estimate = machine::estimate(config, header, &mut state, &open, &Overrides::default());
    assert!(estimate.expect("estimates") >= floor);
}

#[test]
fn bls_precompiles_stand_on_cancun_from_the_switch_on() {
    // Infinity plus infinity.
    let [before, at, _] = around(Fork::Cancun, Eip::Eip2537, 0x0b, &[0; 256]);
    assert_eq!(before.1, U256::ZERO);
    assert_eq!(at.1, U256::from(128));
}

#[test]
fn a_block_of_more_than_eight_mebibytes_is_valid_until_the_switch() {
    let chain = chain(Fork::Prague, &[(Eip::Eip7934, SWITCH)], &[0]);
    let large = |nonce| {
        let input = Bytes::from(vec![0; 1_000_000]);
        let gas_limit = 21_000 + 10 * 1_000_000;
        sign(
            0,
            TxEip1559 {
                gas_limit,
                ..eip1559(nonce, TxKind::Call(HERE), input)
            },
        )
    };
    let mut input = chain.input((0..9).map(large).collect());
    assert!(chain.try_execute(&input).is_ok());
    input.timestamp = SWITCH;
    let error = chain
        .try_execute(&input)
        .expect_err("too large")
        .to_string();
    assert!(error.contains("EIP-7934"), "{error}");
}

const TRANSFERS: [(Eip, u64); 2] = [(Eip::Eip8246, SWITCH), (Eip::Eip7708, SWITCH)];

/// EIP-7708's table of fields.
#[test]
fn transfers_of_ether_leave_a_log_from_the_switch_on() {
    // call(gas, 0x77…, 5, …): passes five wei on.
    let code = [&hex!("5f5f5f5f600573")[..], &[0x77; 20], &hex!("5af100")].concat();
    let mut chain = chain(Fork::Osaka, &TRANSFERS, &code);
    let with = |nonce| {
        let value = U256::from(9);
        sign(
            0,
            TxEip1559 {
                value,
                ..eip1559(nonce, TxKind::Call(HERE), Bytes::new())
            },
        )
    };
    let outcome = chain.block(vec![with(0)]);
    assert!(outcome.receipts[0].logs().is_empty());
    let outcome = chain.block(vec![with(1)]);
    let transfer = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
    let expected = [(address(0), HERE, 9), (HERE, Address::repeat_byte(0x77), 5)];
    let logs = outcome.receipts[0].logs();
    assert_eq!(logs.len(), 2);
    for (log, (from, to, value)) in logs.iter().zip(expected) {
        assert_eq!(
            log.address,
            address!("0xfffffffffffffffffffffffffffffffffffffffe")
        );
        assert_eq!(log.topics(), [transfer, from.into_word(), to.into_word()]);
        assert_eq!(log.data.data[..], U256::from(value).to_be_bytes::<32>());
    }
    // Osaka's prices and limits are what they were.
    assert_eq!(gas(&outcome) + 25_000, gas(&self::first_of(&code)));
}

/// The first block of that chain without switches: it also makes the receiver.
fn first_of(code: &[u8]) -> BlockOutcome {
    let mut chain = chain(Fork::Osaka, &[], code);
    let value = U256::from(9);
    chain.block(vec![sign(
        0,
        TxEip1559 {
            value,
            ..eip1559(0, TxKind::Call(HERE), Bytes::new())
        },
    )])
}

#[test]
fn a_contract_that_ends_itself_in_its_own_favour_burns_until_the_switch() {
    // create(callvalue, "ADDRESS SELFDESTRUCT" as init code); keeps the address.
    let code = hex!("6130ff5f526002601e34f05f5500");
    let mut chain = chain(Fork::Osaka, &TRANSFERS[..1], &code);
    for burns in [true, false] {
        let nonce = nonce(&mut chain);
        let value = U256::from(9);
        let tx = TxEip1559 {
            value,
            ..eip1559(nonce, TxKind::Call(HERE), Bytes::new())
        };
        let outcome = chain.block(vec![sign(0, tx)]);
        assert!(outcome.receipts[0].status());
        let created = Address::from_word(slot(&mut chain, 0).into());
        assert!(!created.is_zero());
        let left = if burns { 0 } else { 9 };
        assert_eq!(balance(&mut chain, created), U256::from(left));
    }
}

#[test]
fn code_may_be_longer_from_the_switch_on() {
    let mut chain = chain(Fork::Osaka, &[(Eip::Eip7954, SWITCH)], &[]);
    let deploy = |nonce, size: u16| {
        // return(0, size): code of zeros.
        let mut init = vec![0x61];
        init.extend(size.to_be_bytes());
        init.extend(hex!("5ff3"));
        let gas_limit = 16_000_000;
        sign(
            0,
            TxEip1559 {
                gas_limit,
                ..eip1559(nonce, TxKind::Create, init.into())
            },
        )
    };
    let mut works = |nonce, size| chain.block(vec![deploy(nonce, size)]).receipts[0].status();
    assert!(!works(0, 24_577));
    assert!(works(1, 24_577));
    assert!(works(2, 0xffff));
}

/// 64 gas for each byte, whatever it is (EIP-7976), and for each byte of an
/// access list, on its usual price and in the floor (EIP-7981).
#[test]
fn the_floor_price_is_higher_from_the_switch_on() {
    let both = [(Eip::Eip7976, SWITCH), (Eip::Eip7981, GENESIS_TIME + 3)];
    let mut chain = chain(Fork::Osaka, &both, &[]);
    let list = AccessList(vec![AccessListItem {
        address: Address::repeat_byte(0x66),
        storage_keys: vec![B256::ZERO],
    }]);
    let mut used = |nonce, list: &AccessList| {
        let input = Bytes::from([vec![0; 50], vec![1; 50]].concat());
        let to = TxKind::Call(Address::repeat_byte(0x77));
        let access_list = list.clone();
        let tx = TxEip1559 {
            access_list,
            ..eip1559(nonce, to, input)
        };
        gas(&chain.block(vec![sign(0, tx)]))
    };
    assert_eq!(used(0, &list), 21_000 + 50 * 4 + 50 * 16 + 2_400 + 1_900);
    assert_eq!(used(1, &list), 21_000 + 100 * 64);
    assert_eq!(used(2, &list), 21_000 + (100 + 52) * 64);
    let none = AccessList::default();
    assert_eq!(used(3, &none), 21_000 + 100 * 64);
}

#[test]
fn deep_stack_items_are_reached_from_the_switch_on() {
    // 1, then sixteen zeros; DUPN 17 brings the 1 up.
    let dupn = [&hex!("60015f")[..], &[0x80; 15], &hex!("e6805f5500")].concat();
    // 3, fifteen zeros, 2: SWAPN 17 exchanges the ends (17 items below the top).
    let swapn = [&hex!("60035f")[..], &[0x80; 15], &hex!("6002e7805f5500")].concat();
    // 1, 2, 3: EXCHANGE 1 2 exchanges the two below the top; then the second.
    let exchange = hex!("600160026003e88e505f5500");
    for (code, expected) in [(dupn, 1), (swapn, 3), (exchange.to_vec(), 1)] {
        let mut chain = chain(Fork::Osaka, &[(Eip::Eip8024, SWITCH)], &code);
        assert!(!send(&mut chain, &[]).0);
        for _ in 0..2 {
            assert!(send(&mut chain, &[]).0, "{}", hex::encode(&code));
            assert_eq!(slot(&mut chain, 0), U256::from(expected));
        }
    }
}

/// What Amsterdam alone brings stays away when revm is told Amsterdam.
#[test]
fn one_switch_of_amsterdam_brings_nothing_else_of_it() {
    for opcode in [0x4b, 0xe6, 0xe7, 0xe8] {
        let mut chain = chain(Fork::Osaka, &TRANSFERS, &[opcode, 0x80, 0x00]);
        for _ in 0..3 {
            assert!(!send(&mut chain, &[]).0, "{opcode:#x}");
        }
    }
    // Costs of access, creation and storage, with and without.
    let code = hex!("5f3554503d5f5f3e5f355f3555303b505f5ff0505f5f5ff05000");
    let mut with = chain(Fork::Osaka, &TRANSFERS, &code);
    let mut without = chain(Fork::Osaka, &[], &code);
    for word in [7u64, 7, 8] {
        let input = U256::from(word).to_be_bytes::<32>();
        assert_eq!(send(&mut with, &input), send(&mut without, &input));
    }
}

/// The Osaka EIPs that a rollup's blocks can show.
const OSAKAS: [Eip; 6] = [
    Eip::Eip7823,
    Eip::Eip7825,
    Eip::Eip7883,
    Eip::Eip7934,
    Eip::Eip7939,
    Eip::Eip7951,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn prague_with_osakas_switches_is_osaka(
        calls in prop::collection::vec(
            (0u8..3, prop::collection::vec(any::<u8>(), 0..96), 0usize..40, 60_000u64..((1 << 24) + 9)),
            1..12,
        ),
    ) {
        // clz, P256VERIFY and MODEXP by the first byte of the call data.
        let code = [
            &hex!("5f351e5f55")[..],
            &hex!("365f5f37"),
            &hex!("60205f366001900360016101005afa600155"),
            &hex!("60205f3660019003600160055afa6002553d6003555f5160045500"),
        ]
        .concat();
        let all: Vec<_> = OSAKAS.iter().map(|eip| (*eip, 0)).collect();
        let mut osaka = chain(Fork::Osaka, &[], &code);
        let mut prague = chain(Fork::Prague, &all, &code);
        for (kind, noise, length, gas_limit) in calls {
            let input = match kind {
                0 => [&[0][..], &noise].concat(),
                1 => [&[0][..], &VALID].concat(),
                _ => [&[0][..], &modexp(length, &noise, length)].concat(),
            };
            let nonce = nonce(&mut osaka);
            let tx = TxEip1559 { gas_limit, ..eip1559(nonce, TxKind::Call(HERE), input.into()) };
            let transactions = vec![sign(0, tx)];
            let made = osaka.try_execute(&osaka.input(transactions.clone()));
            let also = prague.try_execute(&prague.input(transactions.clone()));
            prop_assert_eq!(made.is_ok(), also.is_ok());
            if made.is_err() {
                continue;
            }
            let (made, also) = (osaka.block(transactions.clone()), prague.block(transactions));
            prop_assert_eq!(&made.receipts, &also.receipts);
            for index in 0..5 {
                prop_assert_eq!(slot(&mut osaka, index), slot(&mut prague, index));
            }
        }
    }
}

#[test]
fn a_switch_changes_no_block_before_it() {
    let code = calling(0x100);
    let mut plain = chain(Fork::Prague, &[], &code);
    let mut switched = chain(Fork::Prague, &[(Eip::Eip7951, SWITCH)], &code);
    assert_ne!(plain.header.hash_slow(), switched.header.hash_slow());
    let of = |chain: &mut Chain| {
        let nonce = nonce(chain);
        chain.block(vec![message(nonce, &VALID)]).receipts
    };
    assert_eq!(of(&mut plain), of(&mut switched));
    assert_ne!(of(&mut plain), of(&mut switched));
}
