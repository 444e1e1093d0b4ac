//! Every input that is checked in, through its target.

#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

use rollwright_fuzz::{TARGETS, check, corpus, warm};
use std::{
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// One test at a time: memory is counted for the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn every_target_holds_over_its_seeds_its_corpus_and_what_once_was_found() {
    let _alone = alone();
    let mut failed = Vec::new();
    for target in TARGETS {
        warm(target);
        let seeds = (target.seeds)().into_iter();
        let seeds = seeds.map(|seed| (seed.name.into(), seed.bytes));
        let inputs = corpus::inputs(target).expect("readable").into_iter();
        let mut count = 0;
        for (name, input) in inputs.chain(seeds) {
            count += 1;
            if panic::catch_unwind(AssertUnwindSafe(|| check(target, &input))).is_err() {
                failed.push(format!("{}: {}", target.name, name.display()));
            }
        }
        assert!(count > 0, "{} has no input", target.name);
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn seeds_are_the_same_every_time_and_checked_in() {
    let _alone = alone();
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert_eq!(seeds, (target.seeds)(), "{}", target.name);
        let folder = corpus::home().join("corpus").join(target.name);
        for seed in seeds {
            let path = folder.join(&seed.name);
            let stored = std::fs::read(&path).unwrap_or_default();
            assert!(
                stored == seed.bytes,
                "{} is not what the encoders make: run fuzz-seeds, if the change is on purpose",
                path.display()
            );
        }
    }
}

#[test]
fn folders_of_inputs_belong_to_targets() {
    let names: BTreeSet<String> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(names.len(), TARGETS.len(), "two targets of one name");
    for kind in ["corpus", "regressions", "dictionaries"] {
        let Ok(folders) = std::fs::read_dir(corpus::home().join(kind)) else {
            continue;
        };
        for folder in folders {
            let name = folder.expect("readable").file_name();
            let name = name.to_string_lossy().into_owned();
            assert!(names.contains(&name), "{kind}/{name} belongs to no target");
        }
    }
}
