// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

import {CelestiaProof} from "./CelestiaProof.sol";
import {CelestiaHeader} from "./CelestiaHeader.sol";
import {BlobstreamProof, BinaryMerkleProof, DataRootTuple, IDAOracle} from "./BlobstreamProof.sol";

/// @title The libraries' functions, to be called from outside.
/// @notice For contracts that would rather call than hold the code, and for tests.
contract CelestiaVerifier {
    /// Reverts unless `blob` is a whole blob of `namespace` under `dataRoot`.
    function verifyBlob(bytes32 dataRoot, bytes29 namespace, bytes calldata blob, CelestiaProof.Proof calldata proof)
        external
        view
    {
        CelestiaProof.verifyBlob(dataRoot, namespace, blob, proof);
    }

    /// Reverts unless `blob` is a whole blob of `namespace` that `signer` paid for.
    function verifySignedBlob(
        bytes32 dataRoot,
        bytes29 namespace,
        bytes20 signer,
        bytes calldata blob,
        CelestiaProof.Proof calldata proof
    ) external view {
        CelestiaProof.verifySignedBlob(dataRoot, namespace, signer, blob, proof);
    }

    /// Reverts unless the shares stand one after the other under `dataRoot`.
    function verifyShares(bytes32 dataRoot, bytes29 namespace, bytes calldata shares, CelestiaProof.Proof calldata proof)
        external
        view
    {
        CelestiaProof.verifyShares(dataRoot, namespace, shares, proof);
    }

    /// Reverts unless `blob` is a whole blob of `namespace` in the block that `way` leads to from the
    /// one with hash `daHash`, such as an anchor's.
    function verifyBlobBelow(
        bytes32 daHash,
        CelestiaHeader.Way calldata way,
        bytes29 namespace,
        bytes calldata blob,
        CelestiaProof.Proof calldata proof
    ) external view {
        CelestiaProof.verifyBlob(CelestiaHeader.dataRootOf(daHash, way), namespace, blob, proof);
    }

    /// Reverts unless `blob` is a whole blob of `namespace` in a block that `oracle` attests.
    function verifyAttestedBlob(
        IDAOracle oracle,
        uint256 nonce,
        DataRootTuple calldata tuple,
        BinaryMerkleProof calldata attestation,
        bytes29 namespace,
        bytes calldata blob,
        CelestiaProof.Proof calldata proof
    ) external view {
        BlobstreamProof.verifyBlob(oracle, nonce, tuple, attestation, namespace, blob, proof);
    }
}

/// @title A Blobstream contract that believes whoever calls it: for tests and development.
contract MockBlobstream is IDAOracle {
    mapping(uint256 nonce => bytes32 root) public tupleRoots;

    /// Relays a tuple root.
    function relay(uint256 nonce, bytes32 root) external {
        tupleRoots[nonce] = root;
    }

    /// @inheritdoc IDAOracle
    function verifyAttestation(uint256 nonce, DataRootTuple calldata tuple, BinaryMerkleProof calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = tupleRoots[nonce];
        return root != 0 && BlobstreamProof.verifyTuple(root, tuple, proof);
    }
}
