//! Writes the seed corpora and dictionaries of all targets, made by the real
//! encoders. Argument: a folder to write to in place of the crate's own.

#![allow(clippy::print_stdout, reason = "a program")]

use rollwright_fuzz::{TARGETS, corpus};
use std::{io, path::PathBuf};

fn main() -> io::Result<()> {
    let argument = std::env::args().nth(1);
    let folder = argument.map_or_else(|| corpus::home().to_path_buf(), PathBuf::from);
    for target in TARGETS {
        let seeds = corpus::write_seeds(target, &folder)?;
        let bytes: usize = seeds.iter().map(|seed| seed.bytes.len()).sum();
        println!("{}: {} seeds, {bytes} bytes", target.name, seeds.len());
    }
    Ok(())
}
