// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

/// @title Proofs that data was published on Ethereum.
/// @notice On a rollup whose DA layer is Ethereum the anchor of a block holds the hash of an L1
/// block as `daHash` and its transactions root as `dataRoot`. Against that root this library proves
/// that a transaction stands in the block, that it carries a blob with a versioned hash, or that
/// it has certain call data; against the hash it opens the block's header.
/// @dev Sources: Ethereum yellow paper, appendices B and D; EIP-2718, EIP-4844. Keys of the
/// transactions trie are RLP of the index. None of its nodes is shorter than 32 bytes, for every
/// node but a leaf names hashes and every leaf holds a signed transaction, so that each one is
/// known by its hash.
library EthereumProof {
    /// Where a transaction stands, and the trie's nodes from the root to its leaf.
    struct Proof {
        /// Index of the transaction in its block.
        uint256 index;
        /// RLP of the nodes.
        bytes[] nodes;
    }

    /// What a header says.
    struct Header {
        bytes32 parentHash;
        bytes32 stateRoot;
        bytes32 transactionsRoot;
        uint256 number;
        uint256 timestamp;
    }

    /// What a transaction says.
    struct Transaction {
        /// EIP-2718 type; 0 for a legacy transaction.
        uint8 kind;
        /// Who it calls; zero where it creates a contract.
        address to;
        /// Where the call data stands in its bytes.
        uint256 dataStart;
        uint256 dataEnd;
        /// Where the list of versioned hashes stands, without its prefix; empty but for type 3.
        uint256 hashesStart;
        uint256 hashesEnd;
    }

    /// The bytes are not those of the block with that hash.
    error WrongHeader(bytes32 found);

    /// A node is not the one that the root, or the node above, names.
    error WrongNode(uint256 node, bytes32 found);

    /// The nodes lead elsewhere, end too early, or go on behind the leaf.
    error WrongPath(uint256 node);

    /// Bytes are no RLP, or not of what they should be.
    error Malformed(uint256 cursor);

    /// The transaction is of a type that this library does not read.
    error UnknownType(uint8 kind);

    /// The transaction goes to another address.
    error OtherRecipient(address found);

    /// The transaction carries no such blob.
    error NoSuchBlob(uint256 blob);

    /// The blob has another versioned hash.
    error OtherBlob(bytes32 found);

    /// The transaction has other call data.
    error OtherData(bytes32 found);

    /// Opens the header of the block with a hash, such as an anchor's `daHash`.
    function openHeader(bytes32 blockHash, bytes calldata header) internal pure returns (Header memory fields) {
        bytes32 found = keccak256(header);
        if (found != blockHash) revert WrongHeader(found);
        (bool list, uint256 cursor, uint256 end) = _item(header, 0, header.length);
        if (!list || end != header.length) revert Malformed(0);
        for (uint256 field = 0; field < 12; ++field) {
            (bool inner, uint256 from, uint256 to) = _item(header, cursor, end);
            if (inner) revert Malformed(cursor);
            if (field == 0) fields.parentHash = _word(header, from, to);
            else if (field == 3) fields.stateRoot = _word(header, from, to);
            else if (field == 4) fields.transactionsRoot = _word(header, from, to);
            else if (field == 8) fields.number = _integer(header, from, to);
            else if (field == 11) fields.timestamp = _integer(header, from, to);
            cursor = to;
        }
    }

    /// Proves that a transaction to `to` carries, as its blob with that index, one with
    /// `versionedHash`: whoever kept the blobs of that block had it.
    function verifyBlob(
        bytes32 transactionsRoot,
        address to,
        uint256 blob,
        bytes32 versionedHash,
        Proof calldata proof
    ) internal pure {
        bytes calldata encoded = transactionOf(transactionsRoot, proof);
        Transaction memory fields = decode(encoded);
        if (fields.to != to) revert OtherRecipient(fields.to);
        uint256 count = (fields.hashesEnd - fields.hashesStart) / 33;
        if (blob >= count || count * 33 != fields.hashesEnd - fields.hashesStart) revert NoSuchBlob(blob);
        (bool list, uint256 from, uint256 end) = _item(encoded, fields.hashesStart + blob * 33, fields.hashesEnd);
        if (list) revert Malformed(from);
        bytes32 found = _word(encoded, from, end);
        if (found != versionedHash) revert OtherBlob(found);
    }

    /// Proves that a transaction to `to` has exactly this call data.
    function verifyCalldata(bytes32 transactionsRoot, address to, bytes calldata data, Proof calldata proof)
        internal
        pure
    {
        bytes calldata encoded = transactionOf(transactionsRoot, proof);
        Transaction memory fields = decode(encoded);
        if (fields.to != to) revert OtherRecipient(fields.to);
        bytes32 found = keccak256(encoded[fields.dataStart:fields.dataEnd]);
        if (found != keccak256(data)) revert OtherData(found);
    }

    /// The bytes of the transaction with that index, after EIP-2718.
    function transactionOf(bytes32 transactionsRoot, Proof calldata proof)
        internal
        pure
        returns (bytes calldata value)
    {
        Walk memory walk = Walk(_key(proof.index), 0, 0, false);
        bytes32 expected = transactionsRoot;
        for (; walk.node < proof.nodes.length; ++walk.node) {
            bytes calldata node = proof.nodes[walk.node];
            bytes32 found = keccak256(node);
            if (found != expected) revert WrongNode(walk.node, found);
            (bool list, uint256 from, uint256 to) = _item(node, _choose(node, walk), node.length);
            if (list) revert Malformed(from);
            if (walk.leaf) {
                bool whole = walk.nibble == walk.key.length * 2 && walk.node + 1 == proof.nodes.length;
                if (!whole) revert WrongPath(walk.node);
                return node[from:to];
            }
            // An empty child: there is no such transaction.
            if (from == to) revert WrongPath(walk.node);
            expected = _word(node, from, to);
        }
        revert WrongPath(proof.nodes.length);
    }

    /// How far a key was followed.
    struct Walk {
        bytes key;
        /// Nibbles of the key that are behind.
        uint256 nibble;
        /// Index of the node.
        uint256 node;
        /// Whether it is a leaf.
        bool leaf;
    }

    /// Which item of a node the key leads to: the hash of the next node, or the value of a leaf.
    function _choose(bytes calldata node, Walk memory walk) private pure returns (uint256) {
        (uint256 count, uint256[17] memory starts) = _items(node);
        if (count == 17) {
            // No key is the beginning of another one.
            if (walk.nibble >= walk.key.length * 2) revert WrongPath(walk.node);
            return starts[_nibble(walk.key, walk.nibble++)];
        }
        if (count != 2) revert Malformed(walk.node);
        _follow(node, starts[0], walk);
        return starts[1];
    }

    /// Reads a transaction, of types 0 to 4.
    function decode(bytes calldata encoded) internal pure returns (Transaction memory fields) {
        if (encoded.length == 0) revert Malformed(0);
        uint256 cursor = 0;
        uint256 recipient = 3;
        if (uint8(encoded[0]) < 0xc0) {
            fields.kind = uint8(encoded[0]);
            if (fields.kind == 0 || fields.kind > 4) revert UnknownType(fields.kind);
            recipient = fields.kind == 1 ? 4 : 5;
            cursor = 1;
        }
        (bool outer, uint256 next, uint256 end) = _item(encoded, cursor, encoded.length);
        if (!outer || end != encoded.length) revert Malformed(cursor);
        uint256 last = fields.kind == 3 ? 10 : recipient + 2;
        for (uint256 field = 0; field <= last; ++field) {
            (bool list, uint256 from, uint256 to) = _item(encoded, next, end);
            if (field == recipient) {
                if (list || (to - from != 20 && to != from)) revert Malformed(next);
                if (to != from) fields.to = address(bytes20(encoded[from:to]));
            } else if (field == recipient + 2) {
                if (list) revert Malformed(next);
                (fields.dataStart, fields.dataEnd) = (from, to);
            } else if (field == 10) {
                if (!list) revert Malformed(next);
                (fields.hashesStart, fields.hashesEnd) = (from, to);
            }
            next = to;
        }
    }

    /// RLP of an index.
    function _key(uint256 index) private pure returns (bytes memory) {
        if (index == 0) return hex"80";
        if (index < 0x80) return abi.encodePacked(uint8(index));
        if (index < 0x100) return abi.encodePacked(bytes1(0x81), uint8(index));
        if (index < 0x10000) return abi.encodePacked(bytes1(0x82), uint16(index));
        if (index < 0x1000000) return abi.encodePacked(bytes1(0x83), uint24(index));
        revert Malformed(index);
    }

    function _nibble(bytes memory key, uint256 nibble) private pure returns (uint256) {
        uint256 pair = uint8(key[nibble / 2]);
        return nibble % 2 == 0 ? pair >> 4 : pair & 0x0f;
    }

    /// Follows the path of an extension or a leaf: four bits of flags, the lowest for an odd number
    /// of nibbles and the next for a leaf, then the nibbles.
    function _follow(bytes calldata node, uint256 start, Walk memory walk) private pure {
        (bool list, uint256 from, uint256 to) = _item(node, start, node.length);
        if (list || from == to) revert Malformed(start);
        uint256 flags = uint8(node[from]) >> 4;
        if (flags > 3) revert Malformed(from);
        walk.leaf = flags > 1;
        for (uint256 cursor = from * 2 + (flags & 1 == 1 ? 1 : 2); cursor < to * 2; ++cursor) {
            uint256 pair = uint8(node[cursor / 2]);
            uint256 wanted = cursor % 2 == 0 ? pair >> 4 : pair & 0x0f;
            if (walk.nibble >= walk.key.length * 2 || _nibble(walk.key, walk.nibble) != wanted) {
                revert WrongPath(walk.node);
            }
            ++walk.nibble;
        }
    }

    /// Where the items of a list begin, at most 17.
    function _items(bytes calldata node) private pure returns (uint256 count, uint256[17] memory starts) {
        (bool list, uint256 cursor, uint256 end) = _item(node, 0, node.length);
        if (!list || end != node.length) revert Malformed(0);
        while (cursor < end) {
            if (count == 17) revert Malformed(cursor);
            starts[count++] = cursor;
            (,, cursor) = _item(node, cursor, end);
        }
    }

    /// The RLP item at `at`: whether it is a list, and where its content begins and ends, which is
    /// not behind `limit`.
    function _item(bytes calldata data, uint256 cursor, uint256 limit)
        private
        pure
        returns (bool list, uint256 from, uint256 to)
    {
        if (cursor >= limit) revert Malformed(cursor);
        uint256 prefix = uint8(data[cursor]);
        if (prefix < 0x80) return (false, cursor, cursor + 1);
        list = prefix >= 0xc0;
        uint256 short = prefix - (list ? 0xc0 : 0x80);
        from = cursor + 1;
        if (short < 56) {
            to = from + short;
        } else {
            uint256 bytesOfLength = short - 55;
            // Four bytes are more than any block has.
            if (bytesOfLength > 4 || from + bytesOfLength > limit) revert Malformed(cursor);
            to = _integer(data, from, from + bytesOfLength);
            from += bytesOfLength;
            to += from;
        }
        if (to > limit) revert Malformed(cursor);
    }

    function _word(bytes calldata data, uint256 from, uint256 to) private pure returns (bytes32) {
        if (to - from != 32) revert Malformed(from);
        return bytes32(data[from:to]);
    }

    function _integer(bytes calldata data, uint256 from, uint256 to) private pure returns (uint256 value) {
        if (to - from > 32) revert Malformed(from);
        for (; from < to; ++from) {
            value = value << 8 | uint8(data[from]);
        }
    }
}

/// @title The library's functions, to be called from outside.
/// @notice For contracts that would rather call than hold the code, and for tests.
contract EthereumVerifier {
    /// The header of the block with that hash; reverts where the bytes are not its own.
    function openHeader(bytes32 blockHash, bytes calldata header)
        external
        pure
        returns (EthereumProof.Header memory)
    {
        return EthereumProof.openHeader(blockHash, header);
    }

    /// Reverts unless a transaction to `to` carries that blob.
    function verifyBlob(
        bytes32 transactionsRoot,
        address to,
        uint256 blob,
        bytes32 versionedHash,
        EthereumProof.Proof calldata proof
    ) external pure {
        EthereumProof.verifyBlob(transactionsRoot, to, blob, versionedHash, proof);
    }

    /// Reverts unless a transaction to `to` has that call data.
    function verifyCalldata(bytes32 transactionsRoot, address to, bytes calldata data, EthereumProof.Proof calldata proof)
        external
        pure
    {
        EthereumProof.verifyCalldata(transactionsRoot, to, data, proof);
    }
}
