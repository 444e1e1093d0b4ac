//! The bounded part of `rollwright-torture`: `just torture` is the long one.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it saw"
)]

use rollwright_torture::{Setting, scenario::Scenario};

fn torture(scenario: Scenario, rounds: u32) {
    let setting = Setting {
        binary: env!("CARGO_BIN_EXE_rollwright").into(),
        seed: 1,
        rounds,
    };
    match scenario.run(&setting) {
        Ok(report) => println!("{}: {report}", scenario.name()),
        Err(error) => panic!("{error:#}"),
    }
}

#[test]
fn a_killed_node_has_everything_that_it_acknowledged() {
    torture(Scenario::Kill, 4);
}

#[test]
fn a_node_that_is_told_to_end_posts_everything_first() {
    torture(Scenario::Terminate, 2);
}

#[test]
fn a_power_cut_takes_nothing_that_was_acknowledged() {
    torture(Scenario::Power, 3);
}

#[test]
fn a_full_disk_is_named_and_costs_nothing() {
    torture(Scenario::Space, 2);
    torture(Scenario::Disk, 1);
}

#[test]
fn a_failing_sync_is_named_and_costs_nothing() {
    torture(Scenario::Sync, 2);
}

#[test]
fn a_served_layer_that_fails_ends_and_its_node_goes_on() {
    torture(Scenario::Served, 3);
}

#[test]
fn a_damaged_file_is_harmless_or_named_with_a_cure_that_works() {
    torture(Scenario::Damage, 6);
}

#[test]
fn a_clock_that_jumps_stops_nothing() {
    torture(Scenario::Clock, 2);
}
