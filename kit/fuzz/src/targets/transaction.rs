//! A transaction as a wallet sends it.

use crate::{Memory, Target, seeds};
use alloy_eips::Encodable2718;
use alloy_primitives::Bytes;
use rollwright_evm::machine::RecoveredTx;

/// EIP-2718 bytes.
pub(super) const TRANSACTION: Target = Target {
    name: "transaction",
    about: "Bytes are refused, or are the one encoding of a transaction with a sender.",
    run: |input| {
        let bytes = Bytes::copy_from_slice(input);
        match RecoveredTx::decode(&bytes) {
            Ok(transaction) => {
                assert_eq!(transaction.envelope().encoded_2718(), input);
                assert_eq!(transaction.hash(), alloy_primitives::keccak256(input));
                assert!(!transaction.sender().is_zero());
                let env = transaction.env();
                assert_eq!(env.caller, transaction.sender());
            }
            Err(error) => assert!(error.to_string().len() < 512, "{error}"),
        }
    },
    seeds: seeds::transactions,
    max_len: 2_048,
    memory: Memory::megabytes(1),
    words: &[],
};
