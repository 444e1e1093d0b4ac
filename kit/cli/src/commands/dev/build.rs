//! Builds a project with cargo, and runs what was built.

use super::project;
use crate::{args::Dev, commands::interrupts, failure::Failure, ui::Console};
use serde::Deserialize;
use serde_json::json;
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// Builds and runs the project of this folder until Ctrl-C.
pub(super) async fn run(console: &Console, args: &Dev) -> Result<(), Failure> {
    let variables = variables(args)?;
    console.event("building", json!({}));
    let program = tokio::task::spawn_blocking(build)
        .await
        .map_err(|error| Failure::new("RW-CLI-008", error.to_string()))??;
    console.event("running", json!({ "program": program }));
    let mut command = Command::new(&program);
    command
        .arg("rollup.toml")
        .envs(variables)
        .stdin(Stdio::null())
        // Stdout carries our own envelopes.
        .stdout(std::io::stderr());
    interrupts::of_its_own(&mut command);
    let failed =
        |message: String| Failure::new("RW-CLI-009", message).at(program.display().to_string());
    let child = command
        .spawn()
        .map_err(|error| failed(format!("the project's node cannot start: {error}")))?;
    let status = interrupts::pass_on(child)
        .await
        .map_err(|error| failed(format!("the project's node is lost: {error}")))?;
    if !status.success() {
        return Err(failed(format!("the project's node failed: {status}"))
            .help("`rollwright dev --stock` runs the chain without the project's code"));
    }
    console.event("stopped", json!({}));
    Ok(())
}

/// The flags as a project's own program reads them.
fn variables(args: &Dev) -> Result<Vec<(String, String)>, Failure> {
    let mut settings = project::settings(args)?;
    let datadir = args.datadir.as_ref().map(|path| {
        std::path::absolute(path)
            .unwrap_or_else(|_| path.clone())
            .display()
            .to_string()
    });
    settings.extend(datadir.map(|path| ("chain.data-dir", path)));
    if args.host.is_some() || args.port.is_some() {
        let loaded = project::load(args)?;
        settings.push(("rpc.listen", loaded.listen().to_string()));
    }
    Ok(settings
        .into_iter()
        .map(|(key, value)| {
            let name = key.replace('.', "__").replace('-', "_").to_uppercase();
            (format!("ROLLWRIGHT_{name}"), value)
        })
        .collect())
}

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// The program that cargo built.
fn build() -> Result<PathBuf, Failure> {
    let failed = |message: String| {
        Failure::new("RW-CLI-008", message)
            .at("Cargo.toml")
            .help("`rollwright dev --stock` runs the chain without the project's code")
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--message-format=json-render-diagnostics",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("cargo cannot be started: {error}")))?;
    if !output.status.success() {
        return Err(failed("cargo could not build the project".to_owned()));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter_map(|message| message.executable)
        .next_back()
        .ok_or_else(|| failed("the project has no program to run".to_owned()))
}
