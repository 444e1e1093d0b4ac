//! Both derivers over scenes of the in-memory engine.

use rollwright_reference::{MemoryEngine, Script, check, shrink};

#[test]
fn both_derivers_agree_on_every_seed() {
    for seed in 0..60 {
        let script = Script::from_seed(seed);
        if let Err(failure) = check::<MemoryEngine>(&script) {
            let least = shrink(&script, |script| check::<MemoryEngine>(script).is_err());
            let next = seed + 1;
            panic!(
                "seed {seed}: {failure}\n{least:?}\nreplay: cargo run -p rollwright-reference -- --seeds {seed}..{next}"
            );
        }
    }
}
