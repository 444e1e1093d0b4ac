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

#[cfg(test)]
mod tests;

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
    let next = format!(
        "cd {}\nrollwright dev\nopen http://127.0.0.1:8545/health",
        answers.name
    );
    console.result(&next, &json!({ "folder": folder, "files": files.len() }));
    Ok(())
}
