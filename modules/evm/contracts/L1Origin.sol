// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

import {IAnchor} from "./IAnchor.sol";

/// @title The L1 origin of this rollup's blocks, by RIP-7859's getters.
/// @notice For rollups whose DA layer is Ethereum: there an anchor's DA hash is the hash of an L1
/// block. Whoever brings the anchor's preimage and that block's header opens them here; nobody is
/// trusted, and nothing is written by a privileged call. A getter without an argument speaks of the
/// present block's origin, and reverts until somebody has opened it in this block or another one
/// with the same timestamp.
contract L1Origin {
    struct Origin {
        bytes32 blockHash;
        bytes32 parentBeaconRoot;
        bytes32 stateRoot;
        bytes32 receiptRoot;
        bytes32 transactionRoot;
    }

    IAnchor public constant ANCHOR = IAnchor(0x5257000000000000000000000000000000000001);

    /// An L1 block became known for the first time.
    event Opened(uint256 indexed height, bytes32 indexed blockHash);

    /// The header is not that of the anchor's DA block.
    error WrongHeader(bytes32 expected, bytes32 actual);

    /// The bytes are no header of Cancun or later.
    error MalformedHeader(uint256 offset);

    /// Nobody has opened that block, or the present block's origin.
    error NotOpened(uint256 key);

    mapping(uint256 height => Origin) private _origins;

    /// Height of the origin that was opened for a block time.
    mapping(uint256 timestamp => uint256 height) public heightAt;

    /// Opens the origin of the block of this rollup at `timestamp`.
    /// @param timestamp Time of a block; `block.timestamp` is the present one.
    /// @param anchor The anchor's canonical encoding.
    /// @param header The L1 block's header in RLP.
    function open(uint256 timestamp, bytes calldata anchor, bytes calldata header)
        external
        returns (uint256 height)
    {
        bytes32 expected = ANCHOR.open(timestamp, anchor).daHash;
        bytes32 actual = keccak256(header);
        if (actual != expected) revert WrongHeader(expected, actual);
        Origin memory origin;
        (height, origin) = _parse(header);
        origin.blockHash = actual;
        heightAt[timestamp] = height;
        if (_origins[height].blockHash == actual) return height;
        _origins[height] = origin;
        emit Opened(height, actual);
    }

    function getL1OriginBlockHash() external view returns (bytes32) {
        return _at(_height()).blockHash;
    }

    function getL1OriginParentBeaconRoot() external view returns (bytes32) {
        return _at(_height()).parentBeaconRoot;
    }

    function getL1OriginStateRoot() external view returns (bytes32) {
        return _at(_height()).stateRoot;
    }

    function getL1OriginReceiptRoot() external view returns (bytes32) {
        return _at(_height()).receiptRoot;
    }

    function getL1OriginTransactionRoot() external view returns (bytes32) {
        return _at(_height()).transactionRoot;
    }

    function getL1OriginBlockHeight() external view returns (uint256) {
        return _height();
    }

    function getL1OriginBlockHashAt(uint256 height) external view returns (bytes32) {
        return _at(height).blockHash;
    }

    function getL1OriginParentBeaconRootAt(uint256 height) external view returns (bytes32) {
        return _at(height).parentBeaconRoot;
    }

    function getL1OriginStateRootAt(uint256 height) external view returns (bytes32) {
        return _at(height).stateRoot;
    }

    function getL1OriginReceiptRootAt(uint256 height) external view returns (bytes32) {
        return _at(height).receiptRoot;
    }

    function getL1OriginTransactionRootAt(uint256 height) external view returns (bytes32) {
        return _at(height).transactionRoot;
    }

    function _height() private view returns (uint256 height) {
        height = heightAt[block.timestamp];
        if (height == 0) revert NotOpened(block.timestamp);
    }

    function _at(uint256 height) private view returns (Origin storage origin) {
        origin = _origins[height];
        if (origin.blockHash == 0) revert NotOpened(height);
    }

    /// Fields 3 to 5, 8 and 19 of a header.
    function _parse(bytes calldata header) private pure returns (uint256 height, Origin memory origin) {
        uint256 place = _start(header);
        for (uint256 field = 0; field < 20; ++field) {
            (uint256 start, uint256 length) = _string(header, place);
            if (field == 3) origin.stateRoot = _word(header, start, length);
            else if (field == 4) origin.transactionRoot = _word(header, start, length);
            else if (field == 5) origin.receiptRoot = _word(header, start, length);
            else if (field == 8) height = _integer(header, start, length);
            else if (field == 19) origin.parentBeaconRoot = _word(header, start, length);
            place = start + length;
        }
    }

    /// Where a list's first item stands.
    function _start(bytes calldata data) private pure returns (uint256) {
        if (data.length < 1) revert MalformedHeader(0);
        uint256 first = uint8(data[0]);
        if (first < 0xf8) revert MalformedHeader(0);
        return 1 + first - 0xf7;
    }

    /// Content of the string that begins at `at`.
    function _string(bytes calldata data, uint256 place) private pure returns (uint256 start, uint256 length) {
        if (place >= data.length) revert MalformedHeader(place);
        uint256 first = uint8(data[place]);
        if (first < 0x80) return (place, 1);
        if (first < 0xb8) {
            (start, length) = (place + 1, first - 0x80);
        } else {
            if (first > 0xb9) revert MalformedHeader(place);
            uint256 size = first - 0xb7;
            if (place + size >= data.length) revert MalformedHeader(place);
            start = place + 1 + size;
            length = _integer(data, place + 1, size);
        }
        if (start + length > data.length) revert MalformedHeader(place);
    }

    function _word(bytes calldata data, uint256 start, uint256 length) private pure returns (bytes32) {
        if (length != 32) revert MalformedHeader(start);
        return bytes32(data[start:start + 32]);
    }

    function _integer(bytes calldata data, uint256 start, uint256 length) private pure returns (uint256 value) {
        if (length > 8) revert MalformedHeader(start);
        for (uint256 i = 0; i < length; ++i) {
            value = (value << 8) | uint8(data[start + i]);
        }
    }
}
