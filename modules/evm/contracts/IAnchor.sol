// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.34;

/// @title What other contracts need of the `Anchor` predeploy.
interface IAnchor {
    struct Counterpart {
        bytes32 rollupId;
        uint64 number;
        bytes32 blockHash;
        bytes32 stateRoot;
    }

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

    function open(uint256 timestamp, bytes calldata preimage) external returns (Fields memory fields);
}
