//! Both derivers over scenes of each engine.

use rollwright_reference::{Engine, EthereumEngine, MemoryEngine, Script, check, shrink};
use std::{fmt::Debug, ops::Range};

fn agree<E: Engine<Error: Debug>>(seeds: Range<u64>, flag: &str) {
    for seed in seeds {
        let script = Script::from_seed(seed);
        if let Err(failure) = check::<E>(&script) {
            let least = shrink(&script, |script| check::<E>(script).is_err());
            let next = seed + 1;
            panic!(
                "seed {seed}: {failure}\n{least:?}\nreplay: cargo run -p rollwright-reference -- {flag}--seeds {seed}..{next}"
            );
        }
    }
}

#[test]
fn both_derivers_agree_on_scenes_of_the_in_memory_engine() {
    agree::<MemoryEngine>(0..60, "");
}

#[test]
fn both_derivers_agree_on_scenes_of_the_evm() {
    agree::<EthereumEngine>(0..12, "--evm ");
}
