// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

import {CelestiaProof} from "./CelestiaProof.sol";
import {IAnchor} from "./IAnchor.sol";

/// @title Claims that are accepted only when they were published on Celestia.
/// @notice Nobody is believed but this rollup's own blocks: the anchor of one of them has the data
/// root of the Celestia block in which the claim stands.
contract Claims {
    IAnchor public constant ANCHOR = IAnchor(0x5257000000000000000000000000000000000001);

    /// The namespace of claims: version 0, and `claims` in its last bytes.
    bytes29 public constant NAMESPACE = bytes29(uint232(0x636c61696d73));

    /// Celestia's height at which a claim was published, by the claim's keccak256; 0 for others.
    mapping(bytes32 claim => uint64 height) public publishedAt;

    /// A claim was proved.
    event Accepted(bytes32 indexed claim, uint64 indexed height, bytes32 dataRoot);

    /// Accepts a claim. Opens the anchor in the same transaction: no other one has to come before.
    /// @param timestamp Time of a block of this rollup that stands on the claim's Celestia block.
    /// @param preimage That block's anchor, as `rollwright_anchor` answers it.
    function accept(uint256 timestamp, bytes calldata preimage, bytes calldata claim, CelestiaProof.Proof calldata proof)
        external
    {
        IAnchor.Fields memory anchor = ANCHOR.open(timestamp, preimage);
        CelestiaProof.verifyBlob(anchor.dataRoot, NAMESPACE, claim, proof);
        publishedAt[keccak256(claim)] = anchor.height;
        emit Accepted(keccak256(claim), anchor.height, anchor.dataRoot);
    }
}
