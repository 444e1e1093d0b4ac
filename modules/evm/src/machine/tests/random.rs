//! Random blocks: building, executing, plain rules and a witness agree.

use super::{plain, stateless, support::*};
use crate::machine::{self, PlainRecovery};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Bytes, TxKind, U256};
use proptest::prelude::*;
use rollwright_core::{BlockInput, ForcedTx};

/// One transaction, from bits that need make no sense together.
fn transaction() -> impl Strategy<Value = Bytes> {
    let sender = 0u32..4;
    let nonce = 0u64..4;
    let fee = prop_oneof![Just(1u128), Just(3 * GWEI)];
    (sender, nonce, 0u32..6, any::<u64>(), fee, 0usize..4, 0u8..5).prop_map(
        |(from, nonce, to, value, fee, data, kind)| {
            let tx = TxEip1559 {
                max_fee_per_gas: fee,
                max_priority_fee_per_gas: fee.min(GWEI),
                value: U256::from(value),
                gas_limit: 100_000,
                ..eip1559(nonce, TxKind::Call(address(to)), vec![7; data].into())
            };
            match kind {
                0 => sign(from, legacy(nonce, address(to), value)),
                1 => sign(from, eip2930(nonce, address(to), Default::default())),
                2 => {
                    let list = vec![authorization(to, nonce, address(from))];
                    sign(from, eip7702(nonce, address(to), list))
                }
                // SSTORE(0, CALLVALUE), and deploys one byte of zero.
                3 => sign(
                    from,
                    TxEip1559 {
                        to: TxKind::Create,
                        input: Bytes::from_static(&[0x34, 0x5f, 0x55, 0x60, 0x01, 0x5f, 0xf3]),
                        ..tx
                    },
                ),
                _ => sign(from, tx),
            }
        },
    )
}

fn transactions(most: usize) -> impl Strategy<Value = Vec<Bytes>> {
    prop::collection::vec(transaction(), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn built_blocks_are_what_everybody_else_executes(
        blocks in prop::collection::vec((transactions(4), transactions(10)), 1..4),
    ) {
        let mut chain = Chain::new();
        for (entries, candidates) in blocks {
            let mut attributes = chain.attributes();
            let entries: Vec<ForcedTx> = forced(entries);
            attributes.forced = entries;
            let built = chain.build(&attributes, &mut Pool::new(candidates));
            let input: BlockInput = attributes.into_input(chain.head(), built.ordinary.clone());

            let before = chain.clone();
            let outcome = chain.execute(&input);
            prop_assert_eq!(&outcome, &built.outcome);

            let header = plain::header(&before, &input, &outcome.applied.transactions);
            prop_assert_eq!(&outcome.applied.header, &header);

            let witness = stateless::whole_state(&before);
            let mut state = machine::witness::WitnessState::new(&witness, &before.header).unwrap();
            let again = machine::execute(
                &before.genesis.config, &before.header, &mut state, &input, &PlainRecovery,
            );
            prop_assert_eq!(again.map(|outcome| outcome.applied), Ok(outcome.applied));
        }
    }
}
