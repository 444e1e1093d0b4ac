use super::{answers::Answers, render, write};
use crate::{
    args::{DevDa, New, Template},
    ui::Scripted,
};

fn args(name: Option<&str>) -> New {
    New {
        name: name.map(str::to_owned),
        template: Template::EvmRollup,
        da: None,
        chain_id: None,
        yes: true,
        dry_run: false,
        no_git: true,
        kit_path: None,
    }
}

fn rendered(name: &str) -> Vec<render::Rendered> {
    let answers = Answers::collect(&args(Some(name)), None).expect("answers");
    render::project(&answers).expect("renders")
}

fn content<'a>(files: &'a [render::Rendered], path: &str) -> &'a str {
    let file = files.iter().find(|file| file.path == path);
    &file.unwrap_or_else(|| panic!("{path} is missing")).content
}

#[test]
fn without_a_terminal_the_name_is_all_that_is_needed() {
    let answers = Answers::collect(&args(Some("gizmo")), None).expect("answers");
    assert_eq!((answers.da.as_str(), answers.chain_id), ("local", 42069));
    let failure = Answers::collect(&args(None), None).expect_err("refused");
    assert_eq!((failure.code, failure.exit), ("RW-CLI-001", 2));
}

#[test]
fn at_a_terminal_only_what_is_missing_is_asked() {
    let mut prompt = Scripted::new(&["gadget", "local"]);
    let answers = Answers::collect(&args(None), Some(&mut prompt)).expect("answers");
    assert_eq!(answers.name, "gadget");
    assert_eq!(prompt.asked, ["Name of the rollup", "Data availability"]);

    let mut prompt = Scripted::new(&[]);
    let given = New {
        da: Some(DevDa::Local),
        ..args(Some("gizmo"))
    };
    Answers::collect(&given, Some(&mut prompt)).expect("answers");
    assert!(prompt.asked.is_empty());
}

#[test]
fn names_that_cargo_would_refuse_are_refused_first() {
    for name in [
        "",
        "Gizmo",
        "1st",
        "a b",
        "a/b",
        "..",
        "gizmo-",
        "a--b",
        "core",
        "rollwright",
    ] {
        assert!(
            Answers::collect(&args(Some(name)), None).is_err(),
            "`{name}`"
        );
    }
}

#[test]
fn the_answers_are_a_command_that_gives_the_same_answers() {
    let answers = Answers::collect(&args(Some("my-gizmo")), None).expect("answers");
    assert!(
        answers.command().starts_with(
            "rollwright new my-gizmo --template evm-rollup --da local --chain-id 42069"
        )
    );
    assert_eq!(answers.type_name(), "MyGizmo");
}

#[test]
fn the_project_has_the_files_that_its_readme_names_and_is_small() {
    let files = rendered("my-gizmo");
    for path in [
        ".gitignore",
        ".rollwright/answers.toml",
        "Cargo.toml",
        "README.md",
        "contracts/Counter.json",
        "contracts/Counter.sol",
        "genesis.json",
        "keys/sequencer.key",
        "ops/grafana/rollup.json",
        "ops/prometheus.yml",
        "rollup.toml",
        "src/main.rs",
        "src/rollup.rs",
        "tests/smoke.rs",
    ] {
        content(&files, path);
    }
    let rust: usize = files
        .iter()
        .filter(|f| f.path.ends_with(".rs"))
        .map(|f| f.content.lines().count())
        .sum();
    assert!(rust <= 200, "{rust} lines of Rust");
    // Grafana's own placeholders look the same.
    let left = files
        .iter()
        .find(|file| !file.path.contains("grafana") && file.content.contains("{{"));
    assert!(left.is_none(), "a placeholder is left in {left:?}");
}

#[test]
fn the_genesis_file_trusts_the_key_that_was_made_for_it() {
    let files = rendered("gizmo");
    let genesis: serde_json::Value =
        serde_json::from_str(content(&files, "genesis.json")).expect("json");
    let scheduled = genesis["config"]["rollwright"]["keys"][0]["keys"][0]
        .as_str()
        .expect("an address")
        .to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    write::project(&folder.path().join("gizmo"), &files).expect("written");
    let key = folder.path().join("gizmo/keys/sequencer.key");
    let address = crate::commands::keys::address_of(&std::fs::read_to_string(&key).expect("reads"))
        .expect("a key");
    assert_eq!(address.to_string().to_lowercase(), scheduled.to_lowercase());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&key)
                .expect("metadata")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }
}

#[test]
fn a_folder_with_content_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("precious"), "data").expect("written");
    let failure = write::project(folder.path(), &rendered("gizmo")).expect_err("refused");
    assert_eq!(failure.exit, 2);
    assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1);
}

#[test]
fn the_configuration_of_a_new_project_is_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join("gizmo");
    write::project(&project, &rendered("gizmo")).expect("written");
    let loaded = rollwright::config::Layers {
        file: Some(project.join("rollup.toml")),
        ..Default::default()
    }
    .load()
    .expect("loads");
    rollwright::Project::from_config(loaded).expect("is valid");
}
