//! The contract's calls, as `contracts/EthereumProof.sol` has them.

use super::TransactionProof;
use alloy_primitives::{Bytes, U256, hex};

/// Runtime code of `EthereumVerifier`: the library's functions, to be called
/// from outside.
pub fn verifier_code() -> Bytes {
    // solc's output: hexadecimal text and a newline. A test decodes it.
    let text = include_str!("../../contracts/artifacts/EthereumVerifier.bin");
    hex::decode(text.trim_end()).unwrap_or_default().into()
}

#[allow(
    missing_docs,
    missing_debug_implementations,
    reason = "made by the macro; the contract documents them"
)]
mod calls {
    alloy_sol_types::sol! {
        #[derive(Debug)]
        struct Proof {
            uint256 index;
            bytes[] nodes;
        }

        #[derive(Debug)]
        struct Header {
            bytes32 parentHash;
            bytes32 stateRoot;
            bytes32 transactionsRoot;
            uint256 number;
            uint256 timestamp;
        }

        #[derive(Debug)]
        interface EthereumVerifier {
            error WrongHeader(bytes32 found);
            error WrongNode(uint256 node, bytes32 found);
            error WrongPath(uint256 node);
            error Malformed(uint256 at);
            error UnknownType(uint8 kind);
            error OtherRecipient(address found);
            error NoSuchBlob(uint256 blob);
            error OtherBlob(bytes32 found);
            error OtherData(bytes32 found);

            function openHeader(bytes32 blockHash, bytes header) external pure returns (Header memory);
            function verifyBlob(bytes32 transactionsRoot, address to, uint256 blob, bytes32 versionedHash, Proof proof) external pure;
            function verifyCalldata(bytes32 transactionsRoot, address to, bytes data, Proof proof) external pure;
        }
    }
}

pub use calls::{EthereumVerifier, Header, Proof};

impl From<&TransactionProof> for Proof {
    fn from(proof: &TransactionProof) -> Self {
        Self {
            index: U256::from(proof.index),
            nodes: proof.nodes.clone(),
        }
    }
}
