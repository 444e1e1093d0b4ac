// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

/// @title Opens the anchors of this rollup's blocks.
/// @notice The header of every block holds, as `parent_beacon_block_root`, the keccak256 of the
/// block's anchor: the DA block it is built on, and the roots of counterpart chains. Ethereum's
/// own EIP-4788 call stores that hash. Whoever knows the preimage opens it here; from then on any
/// contract can read its fields. Nothing in this contract is privileged: it has no owner, and it
/// believes EIP-4788 alone.
/// @dev Preimages are borsh: integers little-endian, in field order, version byte first.
contract Anchor {
    /// A counterpart chain's state as of a lagged DA ordinal.
    struct Counterpart {
        bytes32 rollupId;
        uint64 number;
        bytes32 blockHash;
        bytes32 stateRoot;
    }

    /// The fields of an anchor.
    struct Fields {
        uint8 version;
        uint32 epoch;
        uint64 height;
        uint64 daTime;
        uint64 ordinal;
        bytes32 daHash;
        bytes32 dataRoot;
        bytes32 mailbox;
        Counterpart[] counterparts;
    }

    /// EIP-4788's contract; it keeps the last 8,191 seconds that had a block.
    address public constant BEACON_ROOTS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;

    /// The anchor format that this contract reads.
    uint8 public constant VERSION = 1;

    /// Length of an anchor without counterparts.
    uint256 private constant FIXED_LENGTH = 129;

    /// Length of one counterpart.
    uint256 private constant COUNTERPART_LENGTH = 104;

    /// An anchor was opened for the first time.
    event Opened(uint64 indexed ordinal, uint256 indexed timestamp, bytes32 indexed daHash, bytes32 root);

    /// EIP-4788 knows no block at that time: too old, in the future, or none was made.
    error UnknownTimestamp(uint256 timestamp);

    /// The preimage is not that of the block's anchor.
    error WrongPreimage(bytes32 expected, bytes32 actual);

    /// The anchor is of a format that this contract does not read.
    error UnsupportedVersion(uint8 version);

    /// The preimage's length does not fit its content.
    error MalformedPreimage(uint256 length);

    /// Nobody has opened that anchor yet.
    error NotOpened(uint256 key);

    /// The anchor names no such counterpart.
    error UnknownCounterpart(bytes32 rollupId);

    mapping(bytes32 root => Fields) private _fields;

    /// Hash of the anchor opened for a block time; zero where none was.
    mapping(uint256 timestamp => bytes32 root) public rootAt;

    /// Hash of the first anchor opened for a DA ordinal; zero where none was.
    mapping(uint64 ordinal => bytes32 root) public rootOf;

    /// The highest ordinal that was opened.
    uint64 public highestOrdinal;

    /// Checks `preimage` against the anchor of the block at `timestamp` and keeps its fields.
    /// Opening the same anchor again is harmless and cheap.
    /// @param timestamp Time of a block of this rollup, in seconds; `block.timestamp` is the current one.
    /// @param preimage The anchor's canonical encoding.
    function open(uint256 timestamp, bytes calldata preimage) external returns (Fields memory fields) {
        bytes32 root = _beaconRoot(timestamp);
        bytes32 actual = keccak256(preimage);
        if (actual != root) revert WrongPreimage(root, actual);
        fields = _decode(preimage);
        rootAt[timestamp] = root;
        Fields storage kept = _fields[root];
        if (kept.version != 0) return fields;
        kept.version = fields.version;
        kept.epoch = fields.epoch;
        kept.height = fields.height;
        kept.daTime = fields.daTime;
        kept.ordinal = fields.ordinal;
        kept.daHash = fields.daHash;
        kept.dataRoot = fields.dataRoot;
        kept.mailbox = fields.mailbox;
        for (uint256 i = 0; i < fields.counterparts.length; ++i) {
            kept.counterparts.push(fields.counterparts[i]);
        }
        if (rootOf[fields.ordinal] == 0) rootOf[fields.ordinal] = root;
        if (fields.ordinal > highestOrdinal) highestOrdinal = fields.ordinal;
        emit Opened(fields.ordinal, timestamp, fields.daHash, root);
    }

    /// Fields of the anchor opened for the block at `timestamp`.
    function atTimestamp(uint256 timestamp) external view returns (Fields memory) {
        bytes32 root = rootAt[timestamp];
        if (root == 0) revert NotOpened(timestamp);
        return _fields[root];
    }

    /// Fields of the first anchor opened for a DA ordinal. All anchors of one ordinal agree on
    /// everything but `mailbox`.
    function ofOrdinal(uint64 ordinal) external view returns (Fields memory) {
        bytes32 root = rootOf[ordinal];
        if (root == 0) revert NotOpened(ordinal);
        return _fields[root];
    }

    /// Data root of the DA block with that ordinal, against which data on DA is proved.
    function dataRootOf(uint64 ordinal) external view returns (bytes32) {
        bytes32 root = rootOf[ordinal];
        if (root == 0) revert NotOpened(ordinal);
        return _fields[root].dataRoot;
    }

    /// State of a counterpart chain as the anchors of that ordinal know it.
    function counterpartOf(uint64 ordinal, bytes32 rollupId) external view returns (Counterpart memory) {
        bytes32 root = rootOf[ordinal];
        if (root == 0) revert NotOpened(ordinal);
        Counterpart[] storage known = _fields[root].counterparts;
        for (uint256 i = 0; i < known.length; ++i) {
            if (known[i].rollupId == rollupId) return known[i];
        }
        revert UnknownCounterpart(rollupId);
    }

    /// Decodes an anchor without checking that any block holds it.
    function decode(bytes calldata preimage) external pure returns (Fields memory) {
        return _decode(preimage);
    }

    function _beaconRoot(uint256 timestamp) private view returns (bytes32) {
        (bool ok, bytes memory answer) = BEACON_ROOTS.staticcall(abi.encode(timestamp));
        if (!ok || answer.length != 32) revert UnknownTimestamp(timestamp);
        return abi.decode(answer, (bytes32));
    }

    function _decode(bytes calldata data) private pure returns (Fields memory fields) {
        if (data.length < FIXED_LENGTH) revert MalformedPreimage(data.length);
        fields.version = uint8(data[0]);
        if (fields.version != VERSION) revert UnsupportedVersion(fields.version);
        fields.epoch = uint32(_little(data, 1, 4));
        fields.height = uint64(_little(data, 5, 8));
        fields.daHash = bytes32(data[13:45]);
        fields.dataRoot = bytes32(data[45:77]);
        fields.daTime = uint64(_little(data, 77, 8));
        fields.ordinal = uint64(_little(data, 85, 8));
        uint256 count = _little(data, 93, 4);
        if (data.length != FIXED_LENGTH + count * COUNTERPART_LENGTH) revert MalformedPreimage(data.length);
        fields.counterparts = new Counterpart[](count);
        uint256 start = 97;
        for (uint256 i = 0; i < count; ++i) {
            Counterpart memory counterpart = fields.counterparts[i];
            counterpart.rollupId = bytes32(data[start:start + 32]);
            counterpart.number = uint64(_little(data, start + 32, 8));
            counterpart.blockHash = bytes32(data[start + 40:start + 72]);
            counterpart.stateRoot = bytes32(data[start + 72:start + 104]);
            start += COUNTERPART_LENGTH;
        }
        fields.mailbox = bytes32(data[start:start + 32]);
    }

    /// A little-endian integer of `length` bytes.
    function _little(bytes calldata data, uint256 offset, uint256 length) private pure returns (uint256 value) {
        for (uint256 i = 0; i < length; ++i) {
            value |= uint256(uint8(data[offset + i])) << (8 * i);
        }
    }
}
