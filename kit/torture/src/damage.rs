use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// One way in which a file is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Its end is missing.
    Truncated,
    /// It is empty.
    Emptied,
    /// One bit is another.
    Bit,
    /// A run of bytes is zero, as after a lost page.
    Zeroed,
    /// A run of bytes is noise.
    Noise,
    /// It is gone.
    Removed,
}

impl Damage {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Truncated,
        Self::Emptied,
        Self::Bit,
        Self::Zeroed,
        Self::Noise,
        Self::Removed,
    ];

    /// Does it to a file at places that `random` decides. False where nothing
    /// changed: the file is too small, or held the same bytes.
    pub fn apply(self, path: &Path, random: &mut fastrand::Rng) -> io::Result<bool> {
        let good = fs::read(path)?;
        let mut bad = good.clone();
        let at = random.usize(..good.len().max(1));
        let end = good.len().min(at + random.usize(1..=4096));
        match self {
            Self::Removed => {
                fs::remove_file(path)?;
                return Ok(true);
            }
            Self::Emptied => bad.clear(),
            Self::Truncated => bad.truncate(at),
            Self::Bit => {
                if let Some(byte) = bad.get_mut(at) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
            Self::Zeroed => {
                if let Some(bytes) = bad.get_mut(at..end) {
                    bytes.fill(0);
                }
            }
            Self::Noise => {
                if let Some(bytes) = bad.get_mut(at..end) {
                    random.fill(bytes);
                }
            }
        }
        if bad == good {
            return Ok(false);
        }
        fs::write(path, bad)?;
        Ok(true)
    }
}

/// All files below a folder, relative to it, in order.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(folder, folder, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(base: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(base, &path, found)?;
        } else if let Ok(relative) = path.strip_prefix(base) {
            found.push(relative.to_owned());
        }
    }
    Ok(())
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
