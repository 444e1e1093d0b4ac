use super::render::Rendered;
use crate::failure::{Failure, file};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Writes all files, or nothing: into a folder beside the target, which is
/// renamed at the end. Refuses a target that exists and is not empty.
pub(super) fn project(target: &Path, files: &[Rendered]) -> Result<(), Failure> {
    if std::fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::usage("the folder exists and is not empty")
            .at(target.display().to_string())
            .help("choose another name, or remove the folder"));
    }
    let mut draft = target.as_os_str().to_owned();
    draft.push(format!(".{}.tmp", std::process::id()));
    let draft = Path::new(&draft);
    let result = write_all(draft, files).and_then(|()| {
        // An empty folder is in the way of a rename on some systems.
        let _ = std::fs::remove_dir(target);
        std::fs::rename(draft, target)
            .map_err(|error| file("moving the project into place", target, &error))
    });
    if result.is_err() {
        let _ = std::fs::remove_dir_all(draft);
    }
    result
}

fn write_all(folder: &Path, files: &[Rendered]) -> Result<(), Failure> {
    for rendered in files {
        let path = folder.join(&rendered.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| file("making the folder", parent, &error))?;
        }
        std::fs::write(&path, &rendered.content).map_err(|error| file("writing", &path, &error))?;
        restrict(&path, rendered.private).map_err(|error| file("restricting", &path, &error))?;
    }
    Ok(())
}

#[cfg(unix)]
fn restrict(path: &Path, private: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if private {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
    } else {
        Ok(())
    }
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _private: bool) -> std::io::Result<()> {
    Ok(())
}

/// Starts a git repository, where git is installed and none is there already.
pub(super) fn repository(folder: &Path) {
    let quiet = |arguments: &[&str]| {
        Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if !quiet(&["rev-parse", "--is-inside-work-tree"]) {
        quiet(&["init", "--quiet"]);
    }
}
