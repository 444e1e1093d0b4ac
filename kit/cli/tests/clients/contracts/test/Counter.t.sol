// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Counter} from "../src/Counter.sol";

/// Run with `--fork-url`: the chain below is the node's.
contract CounterTest {
    Counter private counter;

    function setUp() external {
        counter = new Counter(7);
    }

    function test_increases() external {
        require(counter.increase() == 8, "one more");
    }

    function test_refuses_with_its_reason() external view {
        try counter.refuse() {
            revert("it did not refuse");
        } catch Error(string memory reason) {
            require(keccak256(bytes(reason)) == keccak256("refused on purpose"), reason);
        }
    }

    function test_reads_the_chain_of_the_node() external view {
        require(block.number > 0, "a block");
        require(address(0x4e59b44847b379578588920cA78FbF26c0B4956C).code.length > 0, "the predeploy");
        require(0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266.balance > 1000 ether, "funds");
    }
}
