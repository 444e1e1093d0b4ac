//! The contracts' calls, as `contracts/CelestiaVerifier.sol` has them.

use super::{HeaderWay, SharesProof};
use crate::blobstream::TupleProof;
use alloy_primitives::{Bytes, FixedBytes, U256, hex};
use celestia_types::nmt::Namespace;

/// Runtime code of `CelestiaVerifier`: the library's functions, to be called
/// from outside.
pub fn verifier_code() -> Bytes {
    code(include_str!(
        "../../contracts/artifacts/CelestiaVerifier.bin"
    ))
}

/// Runtime code of `MockBlobstream`, which believes whoever relays to it.
pub fn mock_blobstream_code() -> Bytes {
    code(include_str!("../../contracts/artifacts/MockBlobstream.bin"))
}

/// solc's output: hexadecimal text and a newline. A test decodes the artefacts.
fn code(text: &str) -> Bytes {
    hex::decode(text.trim_end()).unwrap_or_default().into()
}

#[allow(
    missing_docs,
    missing_debug_implementations,
    clippy::too_many_arguments,
    reason = "made by the macro; the contracts document them"
)]
mod calls {
    alloy_sol_types::sol! {
        #[derive(Debug)]
        struct Proof {
            uint256 start;
            bytes[] siblings;
            bytes32[][] path;
        }

        #[derive(Debug)]
        struct DataRootTuple {
            uint256 height;
            bytes32 dataRoot;
        }

        #[derive(Debug)]
        struct BinaryMerkleProof {
            bytes32[] sideNodes;
            uint256 key;
            uint256 numLeaves;
        }

        #[derive(Debug)]
        struct Parent {
            bytes lastBlockId;
            bytes32[] path;
        }

        #[derive(Debug)]
        struct Way {
            Parent[] parents;
            bytes32 dataRoot;
            bytes32[] path;
        }

        #[derive(Debug)]
        interface CelestiaVerifier {
            error WrongNamespace(bytes29 namespace);
            error WrongLength(uint256 bytesGiven);
            error OtherNamespace(uint256 share, bytes29 found);
            error WrongShape();
            error OutOfSquare(uint256 start, uint256 size);
            error WrongOrder();
            error WrongRoot(uint256 row, bytes32 found);
            error WrongField(uint256 block_, bytes32 headerHash);
            error WrongParent(uint256 block_);
            error NotAttested(uint256 nonce, uint256 height, bytes32 dataRoot);

            function verifyBlob(bytes32 dataRoot, bytes29 namespace, bytes blob, Proof proof) external view;
            function verifySignedBlob(bytes32 dataRoot, bytes29 namespace, bytes20 signer, bytes blob, Proof proof) external view;
            function verifyShares(bytes32 dataRoot, bytes29 namespace, bytes shares, Proof proof) external view;
            function verifyBlobBelow(bytes32 daHash, Way way, bytes29 namespace, bytes blob, Proof proof) external view;
            function verifyAttestedBlob(address oracle, uint256 nonce, DataRootTuple tuple, BinaryMerkleProof attestation, bytes29 namespace, bytes blob, Proof proof) external view;
        }

        #[derive(Debug)]
        interface Blobstream {
            function relay(uint256 nonce, bytes32 root) external;
            function verifyAttestation(uint256 nonce, DataRootTuple tuple, BinaryMerkleProof proof) external view returns (bool);
        }
    }
}

pub use calls::{
    BinaryMerkleProof, Blobstream, CelestiaVerifier, DataRootTuple, Parent, Proof, Way,
};

/// A namespace as contracts have it.
pub fn namespace(namespace: Namespace) -> FixedBytes<29> {
    FixedBytes::left_padding_from(namespace.as_bytes())
}

impl From<&SharesProof> for Proof {
    fn from(proof: &SharesProof) -> Self {
        Self {
            start: U256::from(proof.start),
            siblings: proof
                .siblings
                .iter()
                .map(|row| row.concat().into())
                .collect(),
            path: proof.path.clone(),
        }
    }
}

impl From<&HeaderWay> for Way {
    fn from(way: &HeaderWay) -> Self {
        let parent = |parent: &super::ParentField| Parent {
            lastBlockId: parent.last_block_id.clone(),
            path: parent.path.clone(),
        };
        Self {
            parents: way.parents.iter().map(parent).collect(),
            dataRoot: way.data_root,
            path: way.path.clone(),
        }
    }
}

impl From<&TupleProof> for BinaryMerkleProof {
    fn from(proof: &TupleProof) -> Self {
        Self {
            sideNodes: proof.side_nodes.clone(),
            key: U256::from(proof.key),
            numLeaves: U256::from(proof.leaves),
        }
    }
}
