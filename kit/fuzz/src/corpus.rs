//! Inputs in files: `corpus/<target>/` is what the engine starts from,
//! `regressions/<target>/` is what once was found.

use crate::{Seed, Target};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The crate's own folder.
pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The inputs of a target that are checked in, by name: seeds, what the engine
/// added to them, and what was once found. A missing folder holds none.
pub fn inputs(target: &Target) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for kind in ["corpus", "regressions"] {
        let folder = home().join(kind).join(target.name);
        if !folder.is_dir() {
            continue;
        }
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        files.sort();
        for file in files {
            let bytes = fs::read(&file)?;
            inputs.push((file, bytes));
        }
    }
    Ok(inputs)
}

/// Writes the seeds of a target, and its dictionary if it has words, under
/// `folder`.
pub fn write_seeds(target: &Target, folder: &Path) -> io::Result<Vec<Seed>> {
    let seeds = (target.seeds)();
    let corpus = folder.join("corpus").join(target.name);
    fs::create_dir_all(&corpus)?;
    for seed in &seeds {
        fs::write(corpus.join(&seed.name), &seed.bytes)?;
    }
    if !target.words.is_empty() {
        let folder = folder.join("dictionaries");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(target.name), dictionary(target.words))?;
    }
    Ok(seeds)
}

/// Words in libFuzzer's dictionary format, one a line.
pub fn dictionary(words: &[&[u8]]) -> String {
    words
        .iter()
        .map(|word| {
            let escaped: String = word
                .iter()
                .map(|byte| match byte {
                    b'"' | b'\\' => format!("\\{}", char::from(*byte)),
                    b' '..=b'~' => char::from(*byte).to_string(),
                    other => format!("\\x{other:02x}"),
                })
                .collect();
            format!("\"{escaped}\"\n")
        })
        .collect()
}
