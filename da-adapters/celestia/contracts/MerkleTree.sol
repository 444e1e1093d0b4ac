// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

/// @title Trees of SHA-256 hashes after RFC 6962, with any number of leaves.
library MerkleTree {
    /// What the leaf with `index` among `leaves` and the hashes beside its way, from below, lead
    /// to. False where they are too few, too many, or there is no such leaf.
    /// @dev RFC 9162, 2.1.3.2: a node that is the last of its level and stands on the left has no
    /// sibling there.
    function climb(bytes32 leaf, uint256 index, uint256 leaves, bytes32[] calldata path)
        internal
        pure
        returns (bool ok, bytes32 hash)
    {
        if (index >= leaves) return (false, 0);
        uint256 last = leaves - 1;
        hash = leaf;
        for (uint256 i = 0; i < path.length; ++i) {
            if (last == 0) return (false, 0);
            if (index & 1 == 1 || index == last) {
                hash = sha256(abi.encodePacked(bytes1(0x01), path[i], hash));
                while (index & 1 == 0 && index != 0) {
                    index >>= 1;
                    last >>= 1;
                }
            } else {
                hash = sha256(abi.encodePacked(bytes1(0x01), hash, path[i]));
            }
            index >>= 1;
            last >>= 1;
        }
        ok = last == 0;
    }
}
