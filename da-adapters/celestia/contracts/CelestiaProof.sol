// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

/// @title Proofs that data was published on Celestia.
/// @notice On a rollup whose DA layer is Celestia the anchor of a block holds the data root of a
/// Celestia block (`Anchor.dataRootOf`). Against that root this library proves that shares stand
/// at a place in the block's square, and that they are exactly one whole blob of a namespace: from
/// the shares to the roots of their rows by namespaced Merkle trees, and from each row root to the
/// data root by a binary Merkle tree after RFC 6962. Everything is SHA-256.
/// @dev Sources: celestia-app specification, "Namespace Merkle Tree", "Shares", "Data Availability
/// Header"; RFC 6962, section 2.1. Leaves and inner nodes are hashed under different prefixes, so
/// neither can be passed off as the other, and the length of a path fixes the width of the square.
library CelestiaProof {
    /// Where a run of shares stands, and what leads from it to the data root.
    struct Proof {
        /// Index of the first share in the original square, row by row.
        uint256 start;
        /// For each row that the run touches, the nodes beside it, left to right: least namespace,
        /// greatest namespace, hash, 90 bytes each.
        bytes[] siblings;
        /// For each of these rows, the hashes from its root to the data root, from below.
        bytes32[][] path;
    }

    /// Bytes of a share.
    uint256 internal constant SHARE = 512;

    /// Bytes of a blob in its first share, in its first share behind a signer, and in the others.
    uint256 internal constant FIRST = 478;
    uint256 internal constant FIRST_SIGNED = 458;
    uint256 internal constant NEXT = 482;

    /// Bytes of a node: two namespaces and a hash.
    uint256 private constant NODE = 90;

    /// The longest path: a square of 512, extended to 1,024, and its columns.
    uint256 private constant MAX_DEPTH = 11;

    /// The namespace of parity shares; no namespace lies above it.
    bytes29 private constant PARITY = bytes29(type(uint232).max);

    /// The last of the namespaces that Celestia keeps for itself at the lower end.
    bytes29 private constant LAST_RESERVED = bytes29(uint232(0xff));

    /// A node of a namespaced Merkle tree.
    struct Node {
        bytes29 min;
        bytes29 max;
        bytes32 hash;
    }

    /// No rollup's data stands in that namespace: version other than 0, or reserved.
    error WrongNamespace(bytes29 namespace);

    /// Nothing, or no whole shares, or more than any square holds.
    error WrongLength(uint256 bytesGiven);

    /// A share is of another namespace.
    error OtherNamespace(uint256 share, bytes29 found);

    /// Rows, nodes or paths are missing or left over, or a path is of no square.
    error WrongShape();

    /// The run does not lie in the original square.
    error OutOfSquare(uint256 start, uint256 size);

    /// Nodes of a tree are not in the order of their namespaces.
    error WrongOrder();

    /// What the row and its path hash to is not the data root.
    error WrongRoot(uint256 row, bytes32 found);

    /// Proves that `blob` is a whole blob of `namespace` in the block with that data root. Returns
    /// normally or reverts with one of the errors above.
    /// @dev Share version 0. The shares are rebuilt from the bytes: the first one says where a
    /// blob begins and how long it is, so a part of a blob, several blobs, or padding do not pass.
    function verifyBlob(bytes32 dataRoot, bytes29 namespace, bytes calldata blob, Proof calldata proof)
        internal
        view
    {
        verifyShares(dataRoot, namespace, sharesOf(namespace, blob), proof);
    }

    /// As `verifyBlob`, for a blob of share version 1, which names who paid for it: Celestia's
    /// consensus takes no other signer than the payer.
    function verifySignedBlob(
        bytes32 dataRoot,
        bytes29 namespace,
        bytes20 signer,
        bytes calldata blob,
        Proof calldata proof
    ) internal view {
        verifyShares(dataRoot, namespace, sharesOfSigned(namespace, signer, blob), proof);
    }

    /// Proves that these shares, of one namespace, stand one after the other in the block.
    /// @dev What they mean is left to the caller: they may be a part of a blob, or padding.
    function verifyShares(bytes32 dataRoot, bytes29 namespace, bytes memory shares, Proof calldata proof)
        internal
        view
    {
        if (namespace <= LAST_RESERVED || namespace[0] != 0) revert WrongNamespace(namespace);
        if (shares.length == 0 || shares.length % SHARE != 0) revert WrongLength(shares.length);
        uint256 count = shares.length / SHARE;
        uint256 rows = proof.path.length;
        if (rows == 0 || proof.siblings.length != rows) revert WrongShape();
        uint256 depth = proof.path[0].length;
        if (depth < 2 || depth > MAX_DEPTH) revert WrongShape();
        // The leaves of the data root's tree are the roots of all rows, then of all columns.
        uint256 original = 1 << (depth - 2);
        if (proof.start >= original * original || count > original * original - proof.start) {
            revert OutOfSquare(proof.start, original * original);
        }
        Range memory range = Range(shares, 0, namespace, proof.start % original, 0, 0);
        if (rows != (range.start + count - 1) / original + 1) revert WrongShape();
        for (uint256 i = 0; i < rows; ++i) {
            range.end = range.start + count - range.first;
            if (range.end > original) range.end = original;
            if (proof.path[i].length != depth) revert WrongShape();
            bytes32 root = _rowRoot(range, proof.siblings[i], original * 2);
            bytes32 found = _climb(root, proof.start / original + i, proof.path[i]);
            if (found != dataRoot) revert WrongRoot(proof.start / original + i, found);
            range.first += range.end - range.start;
            range.start = 0;
        }
    }

    /// The hash of a row's root as a leaf of the data root's tree.
    function _rowRoot(Range memory range, bytes calldata siblings, uint256 width) private view returns (bytes32) {
        range.used = 0;
        Node memory root = _subtree(range, siblings, 0, width);
        if (range.used != siblings.length) revert WrongShape();
        return sha256(abi.encodePacked(bytes1(0), root.min, root.max, root.hash));
    }

    /// The shares of a blob of version 0, as Celestia lays them out.
    function sharesOf(bytes29 namespace, bytes calldata blob) internal pure returns (bytes memory) {
        bytes memory head = abi.encodePacked(namespace, bytes1(0x01), uint32(blob.length));
        return _sharesOf(head, abi.encodePacked(namespace, bytes1(0x00)), blob);
    }

    /// The shares of a blob of version 1, which names its signer.
    function sharesOfSigned(bytes29 namespace, bytes20 signer, bytes calldata blob)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory head = abi.encodePacked(namespace, bytes1(0x03), uint32(blob.length), signer);
        return _sharesOf(head, abi.encodePacked(namespace, bytes1(0x02)), blob);
    }

    /// `head` and `nextHead`: what stands before the data in the first share and in the others.
    function _sharesOf(bytes memory head, bytes memory nextHead, bytes calldata blob)
        private
        pure
        returns (bytes memory shares)
    {
        if (blob.length == 0 || blob.length > type(uint32).max) revert WrongLength(blob.length);
        uint256 first = SHARE - head.length;
        uint256 count = blob.length <= first ? 1 : 1 + (blob.length - first + NEXT - 1) / NEXT;
        // Memory is zero where it is new; the last share is padded with zeros.
        shares = new bytes(count * SHARE);
        bytes32 next = bytes32(nextHead);
        assembly ("memory-safe") {
            let target := add(shares, 32)
            mcopy(target, add(head, 32), mload(head))
            let source := blob.offset
            let left := blob.length
            let taken := first
            if gt(taken, left) { taken := left }
            calldatacopy(add(target, mload(head)), source, taken)
            for {} 1 {} {
                source := add(source, taken)
                left := sub(left, taken)
                if iszero(left) { break }
                target := add(target, 512)
                mstore(target, next)
                taken := 482
                if gt(taken, left) { taken := left }
                calldatacopy(add(target, 30), source, taken)
            }
        }
    }

    /// The part of a run of shares that lies in one row.
    struct Range {
        /// The whole run.
        bytes shares;
        /// Shares of it in rows before.
        uint256 first;
        bytes29 namespace;
        /// Columns.
        uint256 start;
        uint256 end;
        /// Bytes of siblings that were read.
        uint256 used;
    }

    /// The node over the leaves from `low` on, `width` of them.
    function _subtree(Range memory range, bytes calldata siblings, uint256 low, uint256 width)
        private
        view
        returns (Node memory node)
    {
        if (low >= range.end || low + width <= range.start) {
            uint256 from = range.used;
            if (siblings.length < from + NODE) revert WrongShape();
            range.used = from + NODE;
            node.min = bytes29(siblings[from:from + 29]);
            node.max = bytes29(siblings[from + 29:from + 58]);
            node.hash = bytes32(siblings[from + 58:from + NODE]);
            return node;
        }
        if (width == 1) return _leaf(range, range.first + low - range.start);
        Node memory left = _subtree(range, siblings, low, width / 2);
        Node memory right = _subtree(range, siblings, low + width / 2, width / 2);
        if (left.min > left.max || right.min > right.max || left.max > right.min) revert WrongOrder();
        node.min = left.min;
        // Parity does not count for the greatest namespace, unless there is nothing else.
        node.max = right.min == PARITY ? left.max : right.max;
        node.hash = sha256(
            abi.encodePacked(bytes1(0x01), left.min, left.max, left.hash, right.min, right.max, right.hash)
        );
    }

    /// The leaf of the share with that index in the run: prefix, namespace, share.
    function _leaf(Range memory range, uint256 index) private view returns (Node memory node) {
        bytes29 namespace = range.namespace;
        bytes memory shares = range.shares;
        bytes29 found;
        bytes32 hash;
        bool ok;
        assembly ("memory-safe") {
            let share := add(add(shares, 32), mul(index, 512))
            found := and(mload(share), not(0xffffff))
            // Behind the free memory pointer, which stays where it is.
            let buffer := mload(0x40)
            mstore(buffer, shr(8, namespace))
            mcopy(add(buffer, 30), share, 512)
            ok := staticcall(gas(), 2, buffer, 542, 0, 32)
            hash := mload(0)
        }
        if (!ok) revert WrongShape();
        if (found != namespace) revert OtherNamespace(index, found);
        node.min = namespace;
        node.max = namespace;
        node.hash = hash;
    }

    /// From a leaf's hash to the root, of a tree whose leaves are a power of two.
    function _climb(bytes32 hash, uint256 index, bytes32[] calldata path) private pure returns (bytes32) {
        for (uint256 i = 0; i < path.length; ++i) {
            hash = (index >> i) & 1 == 0
                ? sha256(abi.encodePacked(bytes1(0x01), hash, path[i]))
                : sha256(abi.encodePacked(bytes1(0x01), path[i], hash));
        }
        return hash;
    }
}
