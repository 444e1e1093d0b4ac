//! A custom chain around Rollwright's EVM module: transfers, a contract, a
//! restart from disk, a proof.

#![expect(clippy::print_stdout, reason = "the example tells what it does")]

mod chain;
#[cfg(test)]
mod tests;
mod wallet;

use alloy_primitives::{hex, utils::format_ether};
use anyhow::ensure;
use chain::{Chain, PRODUCER};
use rollwright_core::{Address, B256, Bytes, U256};
use std::path::Path;
use wallet::Wallet;

/// Creation code of a contract that adds up what it is called with:
///
/// ```text
/// object "Adder" {
///   code { datacopy(0, dataoffset("runtime"), datasize("runtime"))
///          return(0, datasize("runtime")) }
///   object "runtime" {
///     code { if calldatasize() { sstore(0, add(sload(0), calldataload(0)))  stop() }
///            mstore(0, sload(0))  return(0, 32) } } }
/// ```
///
/// ```text
/// 00 6015 80 6009 5f 39 5f f3     copy the 0x15 bytes at 9 to memory, return them
/// 09 36 600c 57                   with call data, go to 0c (from here on)
/// 0d 5f 54 5f 52 6020 5f f3       return slot 0
/// 15 5b 5f 35 5f 54 01 5f 55 00   add the first word to slot 0, stop
/// ```
const ADDER: [u8; 30] =
    hex!("601580" "6009" "5f395ff3" "36600c57" "5f545f5260205ff3" "5b5f355f54015f5500");

const FRIEND: Address = Address::repeat_byte(0xf1);

fn main() -> anyhow::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else {
        return run(tempfile::tempdir()?.path()).map(drop);
    };
    run(Path::new(&folder)).map(drop)
}

/// Where the story ended.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the test reads it"))]
struct End {
    block: u64,
    friend: U256,
    sum: U256,
}

fn run(folder: &Path) -> anyhow::Result<End> {
    let mut chain = Chain::open(folder)?;
    println!("chain {} at block {}", chain.id(), chain.head()?.number);
    let nonce = chain.account(Wallet::funded(chain.id(), 0)?.address)?.nonce;
    let mut wallet = Wallet::funded(chain.id(), nonce)?;

    // Three transfers in one block.
    for ether in 1..=3u64 {
        let wei = U256::from(ether) * U256::from(10).pow(U256::from(18));
        chain.submit(wallet.transfer(FRIEND, wei)?)?;
    }
    produce(&mut chain)?;

    // A contract, and a block with calls of it.
    let (transaction, adder) = wallet.deploy(Bytes::from_static(&ADDER))?;
    chain.submit(transaction)?;
    produce(&mut chain)?;
    for number in [40u64, 2] {
        chain.submit(wallet.call(adder, U256::from(number).to_be_bytes::<32>().into())?)?;
    }
    produce(&mut chain)?;
    let sum = U256::try_from_be_slice(&chain.call(adder, Bytes::new())?).unwrap_or_default();
    println!("contract {adder} has added up {sum}");

    // As if the process had ended here: all that was committed is on disk.
    let before = chain.head()?;
    drop(chain);
    let chain = Chain::open(folder)?;
    ensure!(chain.head()? == before, "the head was lost");
    chain.check()?;
    println!(
        "opened again at block {}, the state root computed anew",
        before.number
    );
    for (name, address) in [
        ("sender", wallet.address),
        ("friend", FRIEND),
        ("producer", PRODUCER),
    ] {
        let account = chain.account(address)?;
        println!(
            "{name:>8} {address} has {} ether",
            format_ether(account.balance)
        );
    }

    // What a light client checks: the root that it trusts, and the proof.
    let root = chain.header()?.state_root;
    let proof = chain.prove(adder, vec![B256::ZERO])?;
    proof.verify(root)?;
    ensure!(
        proof.accounts[0].slots[0].value == sum,
        "another sum was proven"
    );
    println!("proven against {root}: slot 0 of {adder} is {sum}");
    let friend = chain.account(FRIEND)?.balance;
    let block = before.number;
    Ok(End { block, friend, sum })
}

fn produce(chain: &mut Chain) -> anyhow::Result<()> {
    let made = chain.produce()?;
    ensure!(made.dropped.is_empty(), "dropped {:?}", made.dropped);
    let (block, header) = (made.block.block, made.block.header);
    println!(
        "block {}: {} included, {} gas, state root {}",
        block.number, made.block.transactions, header.gas_used, header.state_root
    );
    Ok(())
}
