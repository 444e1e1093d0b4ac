//! Both derivers over scenes of each engine, which between them drop something
//! by every rule that there is.

use rollwright_reference::{
    Checked, Engine, EthereumEngine, MemoryEngine, Reason, Refusal, Script, check, shrink,
};
use std::{collections::BTreeSet, fmt::Debug};

/// Checks all scripts; the seed of one that fails is its place.
fn agree<E: Engine<Error: Debug>>(scripts: impl IntoIterator<Item = Script>) -> Checked {
    let mut total = Checked::default();
    for (at, script) in scripts.into_iter().enumerate() {
        match check::<E>(&script) {
            Ok(checked) => total.add(&checked),
            Err(failure) => {
                let least = shrink(&script, |script| check::<E>(script).is_err());
                panic!("script {at}: {failure}\n{least:?}");
            }
        }
    }
    total
}

/// What the page says of drops: the codes of its table.
fn codes_of_the_page() -> BTreeSet<String> {
    let page = include_str!("../../derive/PROTOCOL.md");
    let (_, table) = page
        .split_once("| code | dropped because |")
        .unwrap_or_default();
    let rows = table.lines().skip(2).take_while(|row| row.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let codes = cells.flat_map(|cell| cell.trim().trim_start_matches("RW-DA-").split(", "));
    codes.map(|code| format!("RW-DA-{code}")).collect()
}

#[test]
fn the_reference_has_the_codes_of_the_page_and_no_others() {
    let known = Reason::ALL.iter().filter_map(|reason| reason.code());
    let known: BTreeSet<String> = known.map(str::to_owned).collect();
    assert_eq!(known, codes_of_the_page());
}

#[test]
fn scenes_of_the_in_memory_engine_agree_and_meet_every_code() {
    let seeds = (0..60).map(Script::from_seed);
    let checked = agree::<MemoryEngine>(seeds.chain(Script::protocol_tours()));
    let hit = checked.rules.keys().filter_map(|reason| reason.code());
    let hit: BTreeSet<String> = hit.map(str::to_owned).collect();
    let missed: Vec<String> = codes_of_the_page().difference(&hit).cloned().collect();
    assert!(missed.is_empty(), "nothing was dropped by {missed:?}");
    // Both engines' formats refuse these before they are looked at again.
    let missed: Vec<Reason> = checked.missed();
    assert_eq!(missed, [Reason::BatchBlocks, Reason::PlaceSize]);
}

#[test]
fn scenes_of_the_evm_agree() {
    agree::<EthereumEngine>((0..12).map(Script::from_seed));
}

#[test]
fn tours_of_the_evm_agree_and_meet_every_refusal() {
    let tours = Script::format_tours().into_iter().take(3);
    let checked = agree::<EthereumEngine>(tours);
    let missed: Vec<Refusal> = checked.missed_refusals();
    assert!(missed.is_empty(), "nothing was refused for {missed:?}");
}
