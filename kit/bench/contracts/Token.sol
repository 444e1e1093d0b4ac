// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// The least of an ERC-20 token: what a benchmark moves.
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);

    mapping(address => uint256) public balanceOf;
    uint256 public totalSupply;

    /// Gives each of `holders` the same amount.
    function mint(address[] calldata holders, uint256 value) external {
        for (uint256 i = 0; i < holders.length; i++) {
            balanceOf[holders[i]] += value;
            emit Transfer(address(0), holders[i], value);
        }
        totalSupply += holders.length * value;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }

    /// Runs until the gas is used up: what a server must be able to stop.
    function spin() external pure {
        uint256 x;
        while (true) {
            unchecked {
                x = x * 3 + 1;
            }
        }
    }
}
