//! What holds for every target: no panic, and bounded memory.

use crate::{HEAP, Target};
use std::{
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

/// Libraries whose panics our code turns into errors, on purpose.
const CONTAINED: &[&str] = &[
    "/brotli-decompressor-",
    "/ruzstd-",
    "/redb-",
    "/fjall-",
    "/lsm-tree-",
];

/// Set by a panic on any thread, caught or not.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Feeds `input` to a target and checks what holds for all of them: no panic
/// on any thread, caught ones included, and memory within the target's bound.
///
/// Panics where that does not hold. One call at a time in a process: memory
/// is counted for the whole of it.
pub fn check(target: &Target, input: &[u8]) {
    check_hook();
    PANICKED.store(false, Ordering::SeqCst);
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    (target.run)(input);
    let grown = HEAP.peak_usage().saturating_sub(before);
    assert!(
        !PANICKED.load(Ordering::SeqCst),
        "a panic was caught or ended another thread"
    );
    let bound = target.memory.bound(input.len());
    assert!(
        grown <= bound,
        "{} bytes of input took {grown} bytes of memory, {bound} are allowed",
        input.len()
    );
}

/// Feeds a target its seeds once, without a check: what it makes then and
/// keeps is not counted to an input.
pub fn warm(target: &Target) {
    for seed in (target.seeds)() {
        let _ = panic::catch_unwind(|| (target.run)(&seed.bytes));
    }
}

/// Installs the hook that notes panics, once; further calls do nothing.
/// Replaces a hook that was there.
pub fn check_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let file = info.location().map_or("", |location| location.file());
            if CONTAINED.iter().any(|library| file.contains(library)) {
                return;
            }
            PANICKED.store(true, Ordering::SeqCst);
            print(info);
        }));
    });
}
