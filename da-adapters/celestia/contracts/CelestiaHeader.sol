// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

import {MerkleTree} from "./MerkleTree.sol";

/// @title Data roots of Celestia blocks below one whose hash is known.
/// @notice A rollup's origin may pass over blocks of its DA layer, so that not every data root
/// stands in an anchor. The hash of a block does: from it this library goes down, by the parent
/// that each header names, to the block in question.
/// @dev Source: CometBFT specification, "Data Structures", Header: its hash is the root over the
/// encodings of its 14 fields.
library CelestiaHeader {
    /// The way from a block to its parent.
    struct Parent {
        /// The header's field `last_block_id`, as it is encoded.
        bytes lastBlockId;
        /// Hashes from that field to the header's hash, from below.
        bytes32[] path;
    }

    /// The way from a block whose hash is known to a data root.
    struct Way {
        /// One for each block to go down; none for the block itself.
        Parent[] parents;
        /// Data root of the block at the end.
        bytes32 dataRoot;
        /// Hashes from that field to the hash of the block at the end, from below.
        bytes32[] path;
    }

    uint256 private constant FIELDS = 14;
    uint256 private constant LAST_BLOCK_ID = 4;
    uint256 private constant DATA_HASH = 6;

    /// A field does not belong to the header with that hash.
    error WrongField(uint256 block_, bytes32 headerHash);

    /// The encoding of a parent does not begin with a hash.
    error WrongParent(uint256 block_);

    /// The data root at the end of the way, once all of it holds.
    function dataRootOf(bytes32 headerHash, Way calldata way) internal pure returns (bytes32) {
        for (uint256 i = 0; i < way.parents.length; ++i) {
            bytes calldata field = way.parents[i].lastBlockId;
            // Field 1 of BlockID: 32 bytes.
            if (field.length < 34 || bytes2(field[:2]) != 0x0a20) revert WrongParent(i);
            _check(headerHash, LAST_BLOCK_ID, sha256(abi.encodePacked(bytes1(0), field)), way.parents[i].path, i);
            headerHash = bytes32(field[2:34]);
        }
        bytes32 leaf = sha256(abi.encodePacked(bytes1(0), bytes2(0x0a20), way.dataRoot));
        _check(headerHash, DATA_HASH, leaf, way.path, way.parents.length);
        return way.dataRoot;
    }

    function _check(bytes32 headerHash, uint256 field, bytes32 leaf, bytes32[] calldata path, uint256 block_)
        private
        pure
    {
        (bool ok, bytes32 found) = MerkleTree.climb(leaf, field, FIELDS, path);
        if (!ok || found != headerHash) revert WrongField(block_, headerHash);
    }
}
