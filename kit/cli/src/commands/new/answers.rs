use crate::{
    args::{New, Template},
    failure::Failure,
    ui::Prompt,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that decides the generated files. Stored in the project as
/// `.rollwright/answers.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Answers {
    /// Name of the template.
    pub(super) template: String,
    /// Version of the kit that rendered it.
    pub(super) version: String,
    /// Name of the rollup, its crate and its folder.
    pub(super) name: String,
    /// DA layer.
    pub(super) da: String,
    /// Chain id.
    pub(super) chain_id: u64,
    /// Folder of the kit; without it the registry's version is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kit_path: Option<PathBuf>,
}

/// The DA layers on offer: name, and one line on cost and finality.
const DA_LAYERS: [(&str, &str); 3] = [
    (
        "local",
        "embedded in one file: free, final after a few blocks",
    ),
    ("celestia", "fees per byte in TIA, final with one block"),
    (
        "ethereum",
        "fees per blob in ETH, final after about 15 minutes",
    ),
];

impl Answers {
    /// Takes flags first, then answers, then defaults. Without a prompt only
    /// the name must be given.
    pub(super) fn collect(args: &New, prompt: Option<&mut dyn Prompt>) -> Result<Self, Failure> {
        let mut da = args.da.map(|da| da.choice().layer());
        let name = match (&args.name, prompt) {
            (Some(name), None) => name.clone(),
            (given, Some(prompt)) => {
                let name = match given {
                    Some(name) => name.clone(),
                    None => prompt.text("Name of the rollup", "my-rollup", check_name)?,
                };
                if da.is_none() {
                    let index = prompt.choice("Data availability", &DA_LAYERS)?;
                    da = DA_LAYERS.get(index).map(|(name, _)| *name);
                }
                name
            }
            (None, None) => {
                return Err(
                    Failure::usage("a name is needed").help("rollwright new my-rollup --yes")
                );
            }
        };
        check_name(&name).map_err(|reason| Failure::usage(reason).at(format!("NAME `{name}`")))?;
        let kit_path = match &args.kit_path {
            Some(path) => Some(check_kit(path)?),
            None => source_tree(),
        };
        Ok(Self {
            template: match args.template {
                Template::EvmRollup => "evm-rollup".to_owned(),
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            da: da.unwrap_or("local").to_owned(),
            chain_id: args.chain_id.unwrap_or(42069),
            name,
            kit_path,
        })
    }

    /// The answers that a project was generated from.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| crate::failure::file("reading", path, &error))?;
        toml_edit::de::from_str(&text).map_err(|error| {
            Failure::new(
                "RW-CFG-002",
                format!("the answers cannot be read: {}", error.message()),
            )
            .at(path.display().to_string())
            .help("restore the file, or pass --stock or --build")
        })
    }

    /// The command that gives the same answers without asking.
    pub(super) fn command(&self) -> String {
        let kit = self
            .kit_path
            .as_ref()
            .map(|path| format!(" --kit-path {}", path.display()))
            .unwrap_or_default();
        format!(
            "rollwright new {} --template {} --da {} --chain-id {}{kit} --yes",
            self.name, self.template, self.da, self.chain_id
        )
    }

    /// The name as a Rust type.
    pub(super) fn type_name(&self) -> String {
        self.name
            .split(['-', '_'])
            .filter_map(|word| {
                let mut letters = word.chars();
                let first = letters.next()?;
                Some(first.to_ascii_uppercase().to_string() + letters.as_str())
            })
            .collect()
    }
}

/// A name is a crate's: lower-case letters, digits and dashes, first a letter.
fn check_name(name: &str) -> Result<(), String> {
    const RESERVED: [&str; 8] = [
        "rollwright",
        "test",
        "core",
        "std",
        "alloc",
        "self",
        "crate",
        "super",
    ];
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts
        || !name.chars().all(letters)
        || name.ends_with('-')
        || name.contains("--")
        || name.len() > 64
    {
        return Err(
            "a name has lower-case letters, digits and single dashes, and starts with a letter"
                .to_owned(),
        );
    }
    if RESERVED.contains(&name) {
        return Err(format!("`{name}` is the name of another crate"));
    }
    Ok(())
}

fn check_kit(path: &Path) -> Result<PathBuf, Failure> {
    let path = path.canonicalize().map_err(|error| {
        Failure::usage(format!("the kit's folder cannot be read: {error}"))
            .at(path.display().to_string())
    })?;
    if !path.join("kit/rollwright/Cargo.toml").is_file() {
        return Err(Failure::usage(
            "this folder does not hold the kit: kit/rollwright/Cargo.toml is missing",
        )
        .at(path.display().to_string())
        .help("pass the root of a Rollwright checkout"));
    }
    Ok(path)
}

/// The checkout that this command was built from, where it still exists.
fn source_tree() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .ok()?;
    root.join("kit/rollwright/Cargo.toml")
        .is_file()
        .then_some(root)
}
