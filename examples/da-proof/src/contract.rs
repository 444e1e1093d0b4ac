//! The contract's calls, and its code.

use alloy_primitives::{hex, keccak256};
use alloy_sol_types::{SolCall, sol};
use anyhow::{Context, ensure};
use rollwright::{
    da_celestia::onchain::{SharesProof, abi},
    prelude::*,
};

/// solc's output for `contracts/Claims.sol`.
const CODE: &str = include_str!("../contracts/artifacts/Claims.bin");

sol! {
    struct Proof {
        uint256 start;
        bytes[] siblings;
        bytes32[][] path;
    }

    function accept(uint256 timestamp, bytes preimage, bytes claim, Proof proof) external;
}

pub(crate) struct Claims;

impl Claims {
    /// Call data that brings a claim with its proof.
    pub(crate) fn accept(
        timestamp: u64,
        preimage: &[u8],
        claim: &[u8],
        proof: &SharesProof,
    ) -> Bytes {
        let proof = abi::Proof::from(proof);
        acceptCall {
            timestamp: U256::from(timestamp),
            preimage: preimage.to_vec().into(),
            claim: claim.to_vec().into(),
            proof: Proof {
                start: proof.start,
                siblings: proof.siblings,
                path: proof.path,
            },
        }
        .abi_encode()
        .into()
    }

    /// Where the contract keeps the height of a claim: `publishedAt` is its
    /// first variable.
    pub(crate) fn slot(claim: &[u8]) -> B256 {
        keccak256([keccak256(claim), B256::ZERO].concat())
    }
}

/// Code that puts the contract's code in place:
///
/// ```text
/// 61LLLL 80 600a 5f 39 5f f3    copy what follows to memory, return it
/// ```
pub(crate) fn claims_init_code() -> anyhow::Result<Bytes> {
    let code = hex::decode(CODE.trim_end()).context("contracts/artifacts/Claims.bin")?;
    let length = u16::try_from(code.len())?;
    ensure!(length > 0, "the contract has no code");
    let [high, low] = length.to_be_bytes();
    let mut init = vec![0x61, high, low, 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
    init.extend(code);
    Ok(init.into())
}
