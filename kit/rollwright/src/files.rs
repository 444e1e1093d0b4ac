//! Files that are whole or not there.

use crate::ProjectError;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Makes a folder with its parents.
pub(crate) fn make_dir(path: &Path) -> Result<(), ProjectError> {
    std::fs::create_dir_all(path).map_err(|source| ProjectError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

/// Replaces a file: after a crash the old content is there or the new.
pub(crate) fn write(path: &Path, content: &str) -> Result<(), ProjectError> {
    replace(path, content, 0o644).map_err(|source| ProjectError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

/// Gives `to` the content of `from`, as [`write`] does; one that has it already
/// is left alone.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), ProjectError> {
    let content = std::fs::read_to_string(from).map_err(|source| ProjectError::Unreadable {
        path: from.to_owned(),
        source,
    })?;
    if std::fs::read(to).is_ok_and(|old| old == content.as_bytes()) {
        return Ok(());
    }
    write(to, &content)
}

/// [`write`], readable by its owner only.
pub(crate) fn write_private(path: &Path, content: &str) -> Result<(), ProjectError> {
    replace(path, content, 0o600).map_err(|source| ProjectError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".tmp");
    let draft = Path::new(&draft);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(draft)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(draft, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Moves a file out of the way, to its name with `.old`; one that is not there
/// is fine.
pub(crate) fn set_aside(path: &Path) -> Result<(), ProjectError> {
    let mut old = path.as_os_str().to_owned();
    old.push(".old");
    match std::fs::rename(path, Path::new(&old)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(ProjectError::Unwritable {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
