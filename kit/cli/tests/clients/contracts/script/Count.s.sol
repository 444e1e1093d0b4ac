// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Counter} from "../src/Counter.sol";

/// The two cheat codes that a script needs.
interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// Deploys a counter and increases it twice, in three transactions.
contract Count {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    bool public constant IS_SCRIPT = true;

    function run() external returns (address counter, uint256 number) {
        vm.startBroadcast();
        Counter made = new Counter(40);
        made.increase();
        number = made.increase();
        vm.stopBroadcast();
        counter = address(made);
    }
}
