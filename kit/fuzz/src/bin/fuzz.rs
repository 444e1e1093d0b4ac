//! libFuzzer over the target that `ROLLWRIGHT_FUZZ_TARGET` names: one program
//! for all targets, so that they are linked once. Options are libFuzzer's. With
//! `ROLLWRIGHT_FUZZ_LIST` it prints the targets' names, with their longest inputs.

#![no_main]
#![allow(missing_docs, reason = "the engine's entry points come from a macro")]
#![allow(clippy::print_stdout, reason = "a program")]

use rollwright_fuzz::{TARGETS, Target, check, check_hook, target, warm};
use std::sync::OnceLock;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fn chosen() -> &'static Target {
    TARGET.get_or_init(|| {
        let name = std::env::var("ROLLWRIGHT_FUZZ_TARGET").unwrap_or_default();
        target(&name).unwrap_or_else(|| panic!("ROLLWRIGHT_FUZZ_TARGET={name} names no target"))
    })
}

fn begin() {
    if std::env::var_os("ROLLWRIGHT_FUZZ_LIST").is_some() {
        for target in TARGETS {
            println!("{} {}", target.name, target.max_len);
        }
        std::process::exit(0);
    }
    if std::env::var_os("ROLLWRIGHT_FUZZ_TARGET").is_none() {
        println!("scripts/fuzz.sh runs this");
        std::process::exit(0);
    }
    // In place of the engine's hook, which ends the process at panics that
    // are caught on purpose.
    let _ = std::panic::take_hook();
    check_hook();
    warm(chosen());
}

libfuzzer_sys::fuzz_target!(init: begin(), |input: &[u8]| {
    check(chosen(), input);
});
