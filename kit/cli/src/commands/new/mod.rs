//! `rollwright new`: a project that can be read in ten minutes.

mod answers;
mod render;
mod write;

use crate::{
    args::New,
    failure::Failure,
    ui::{Console, Prompt},
};
use answers::Answers;
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

#[cfg(test)]
mod tests;

/// The first file below `src/` of a project that is not what this binary
/// would generate from its answers; `None` where there is none.
pub(crate) fn changed_source(project: &Path, answers: &Path) -> Result<Option<String>, Failure> {
    let rendered = render::project(&Answers::read(answers)?)?;
    let mut expected: BTreeMap<String, String> = rendered
        .into_iter()
        .filter(|file| file.path.starts_with("src/"))
        .map(|file| (file.path, file.content))
        .collect();
    let mut folders = vec![project.join("src")];
    while let Some(folder) = folders.pop() {
        let failed = |error: std::io::Error| crate::failure::file("reading", &folder, &error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let parts: Vec<_> = path
                .strip_prefix(project)
                .unwrap_or(&path)
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect();
            let name = parts.join("/");
            let content = std::fs::read(&path).map_err(failed)?;
            match expected.remove(&name) {
                Some(expected) if expected.as_bytes() == content => {}
                _ => return Ok(Some(name)),
            }
        }
    }
    Ok(expected.into_keys().next())
}

/// Asks what is missing, renders the template, writes it.
pub(crate) fn run(console: &Console, prompt: &mut impl Prompt, args: &New) -> Result<(), Failure> {
    let interactive = console.interactive() && !args.yes;
    let answers = Answers::collect(args, interactive.then_some(prompt as &mut dyn Prompt))?;
    if interactive {
        console.note(&format!("the same as: {}", answers.command()));
    }
    let files = render::project(&answers)?;
    if args.dry_run {
        let list: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        console.result(&list.join("\n"), &json!({ "files": list }));
        return Ok(());
    }
    let folder = std::path::PathBuf::from(&answers.name);
    write::project(&folder, &files)?;
    if !args.no_git {
        write::repository(&folder);
    }
    if let Some(kit) = &answers.kit_path {
        console.note(&format!(
            "uses the kit in {}; no CI workflow was written",
            kit.display()
        ));
    }
    let next = format!(
        "cd {}\nrollwright dev\nopen http://127.0.0.1:8545/health",
        answers.name
    );
    console.result(&next, &json!({ "folder": folder, "files": files.len() }));
    Ok(())
}
