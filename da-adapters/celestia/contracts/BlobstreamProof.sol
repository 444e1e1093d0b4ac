// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

import {CelestiaProof} from "./CelestiaProof.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// @title A block of Celestia as Blobstream relays it.
struct DataRootTuple {
    /// Celestia's height.
    uint256 height;
    /// The data root of the block at that height.
    bytes32 dataRoot;
}

/// @title The way from a leaf to the root of a tree after RFC 6962.
struct BinaryMerkleProof {
    /// Hashes beside the way, from below.
    bytes32[] sideNodes;
    /// Index of the leaf.
    uint256 key;
    /// Number of leaves.
    uint256 numLeaves;
}

/// @title What a Blobstream contract answers, under the name that deployed ones give it.
interface IDAOracle {
    /// Whether `tuple` is a leaf under the tuple root that was relayed with that nonce.
    function verifyAttestation(uint256 nonce, DataRootTuple calldata tuple, BinaryMerkleProof calldata proof)
        external
        view
        returns (bool);
}

/// @title Data on Celestia, proved to contracts on a chain that has a Blobstream contract.
/// @notice On a rollup whose DA layer is Celestia no oracle is needed: the anchor has the data root.
library BlobstreamProof {
    /// The oracle knows no such block of Celestia.
    error NotAttested(uint256 nonce, uint256 height, bytes32 dataRoot);

    /// Proves that `blob` is a whole blob of `namespace` in a block that the oracle attests.
    function verifyBlob(
        IDAOracle oracle,
        uint256 nonce,
        DataRootTuple calldata tuple,
        BinaryMerkleProof calldata attestation,
        bytes29 namespace,
        bytes calldata blob,
        CelestiaProof.Proof calldata proof
    ) internal view {
        if (!oracle.verifyAttestation(nonce, tuple, attestation)) {
            revert NotAttested(nonce, tuple.height, tuple.dataRoot);
        }
        CelestiaProof.verifyBlob(tuple.dataRoot, namespace, blob, proof);
    }

    /// Whether `tuple` is the leaf with the proof's key under `root`.
    function verifyTuple(bytes32 root, DataRootTuple calldata tuple, BinaryMerkleProof calldata proof)
        internal
        pure
        returns (bool)
    {
        bytes32 leaf = sha256(abi.encodePacked(bytes1(0), tuple.height, tuple.dataRoot));
        (bool ok, bytes32 found) = MerkleTree.climb(leaf, proof.key, proof.numLeaves, proof.sideNodes);
        return ok && found == root;
    }
}
