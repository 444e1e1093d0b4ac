// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// A counter with an event and a revert reason, for client tests.
contract Counter {
    uint256 public number;

    event Increased(address indexed by, uint256 number);

    constructor(uint256 start) {
        number = start;
    }

    function increase() external returns (uint256) {
        number += 1;
        emit Increased(msg.sender, number);
        return number;
    }

    function refuse() external pure {
        revert("refused on purpose");
    }
}
