use super::{ConfigError, RollupToml, SCHEMA};
use figment::{
    Figment, Metadata, Profile, Provider,
    error::Kind,
    providers::{Env, Serialized},
    value::{Dict, Map, Value},
};
use std::path::{Component, Path, PathBuf};

/// Keys whose value is a secret, which may come from a file or the environment
/// and not stand in `rollup.toml`.
const SECRETS: &[&str] = &[
    "sequencer.key",
    "da.celestia.token",
    "da.celestia.signer",
    "da.ethereum.signer",
];

/// The layers that a configuration is made of, from weak to strong.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// `rollup.toml`; relative paths inside it start at its folder.
    pub file: Option<PathBuf>,
    /// Read `ROLLWRIGHT_*` variables.
    pub environment: bool,
    /// Dotted keys and values from flags.
    pub flags: Vec<(String, Value)>,
}

/// A configuration with where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The effective values.
    pub values: RollupToml,
    /// Folder that relative paths start at.
    pub base: PathBuf,
    figment: Figment,
    text: Option<(PathBuf, String)>,
}

impl Layers {
    /// The file, the environment, no flags.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            file: Some(path.into()),
            environment: true,
            flags: Vec::new(),
        }
    }

    /// Reads and checks everything. Nothing is written.
    pub fn load(self) -> Result<Loaded, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(RollupToml::default()));
        let mut text = None;
        let mut base = PathBuf::from(".");
        if let Some(path) = &self.file {
            let content =
                std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                    path: path.clone(),
                    source,
                })?;
            let tables = check_document(path, &content)?;
            if let Some(folder) = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
            {
                base = folder.to_owned();
            }
            figment = figment.merge(FileLayer(tables));
            text = Some((path.clone(), content));
        }
        if self.environment {
            figment = figment.merge(environment());
        }
        for (key, value) in self.flags {
            figment = figment.merge(Flag { key, value });
        }
        let values = figment
            .extract()
            .map_err(|error| describe(&error, text.as_ref()))?;
        Ok(Loaded {
            values,
            base,
            figment,
            text,
        })
    }
}

impl Loaded {
    /// `path` from where relative paths start, without `.` parts.
    pub fn path(&self, path: &Path) -> PathBuf {
        let joined = self.base.join(path);
        let tidy: PathBuf = joined
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect();
        if tidy.as_os_str().is_empty() {
            ".".into()
        } else {
            tidy
        }
    }

    /// The file that was read, if one was.
    pub fn file(&self) -> Option<&Path> {
        self.text.as_ref().map(|(path, _)| path.as_path())
    }

    /// Where the value of a dotted key came from, for people: `default`,
    /// `rollup.toml:12`, `ROLLWRIGHT_DA`, `--port`.
    pub fn origin(&self, key: &str) -> String {
        match self.figment.find_metadata(key) {
            Some(metadata) => origin(metadata, key, self.text.as_ref()),
            None => "default".to_owned(),
        }
    }

    /// The effective value of a dotted key; `None` if there is none.
    pub fn value(&self, key: &str) -> Option<Value> {
        self.figment.find_value(key).ok()
    }
}

/// `ROLLWRIGHT_DA__LOCAL__PATH` is `da.local.path`; `ROLLWRIGHT_DA` is `da.use`.
fn environment() -> Env {
    Env::prefixed("ROLLWRIGHT_")
        .ignore(&["log", "home", "anvil"])
        .map(|key| match key.as_str().to_ascii_lowercase().as_str() {
            section @ ("da" | "settlement" | "messaging" | "execution") => {
                format!("{section}.use").into()
            }
            key => key.replace("__", ".").replace('_', "-").into(),
        })
}

/// What `rollup.toml` says.
struct FileLayer(Dict);

/// Names [`FileLayer`] in figment's metadata.
const FILE_LAYER: &str = "rollup.toml";

impl Provider for FileLayer {
    fn metadata(&self) -> Metadata {
        Metadata::named(FILE_LAYER)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.0.clone())]))
    }
}

struct Flag {
    key: String,
    value: Value,
}

impl Provider for Flag {
    fn metadata(&self) -> Metadata {
        // `da.use` is chosen by `--da`.
        let key = self.key.strip_suffix(".use").unwrap_or(&self.key);
        Metadata::named(format!("--{}", key.rsplit('.').next().unwrap_or(key)))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = self.key.rsplit('.').fold(self.value.clone(), |value, key| {
            Value::from(Dict::from([(key.to_owned(), value)]))
        });
        Ok(Map::from([(
            Profile::Default,
            nested.into_dict().unwrap_or_default(),
        )]))
    }
}

/// Refuses what is wrong by itself, and gives the values as they stand.
fn check_document(path: &Path, content: &str) -> Result<Dict, ConfigError> {
    let syntax = |message: &str, start: usize| ConfigError::Syntax {
        at: place(path, line_of(content, start)),
        message: message.to_owned(),
    };
    let document = toml_edit::Document::parse(content)
        .map_err(|error| syntax(error.message(), error.span().map_or(0, |span| span.start)))?;
    let schema = document
        .as_table()
        .get("schema")
        .and_then(toml_edit::Item::as_integer);
    if let Some(found) = schema.filter(|found| *found != i64::from(SCHEMA)) {
        let at = place(path, find_line(content, &["schema"]).unwrap_or(1));
        return Err(ConfigError::Schema {
            at,
            found,
            supported: SCHEMA,
        });
    }
    for key in SECRETS {
        let parts: Vec<&str> = key.split('.').collect();
        let item = parts.iter().try_fold(document.as_item(), |item, part| {
            item.as_table_like().and_then(|table| table.get(part))
        });
        if item.is_some_and(toml_edit::Item::is_str) {
            let at = place(path, find_line(content, &parts).unwrap_or(1));
            return Err(ConfigError::LiteralSecret {
                at,
                key: (*key).to_owned(),
            });
        }
    }
    toml_edit::de::from_str(content)
        .map_err(|error| syntax(error.message(), error.span().map_or(0, |span| span.start)))
}

fn describe(error: &figment::Error, text: Option<&(PathBuf, String)>) -> ConfigError {
    let mut path = error.path.clone();
    let unknown = match &error.kind {
        Kind::UnknownField(field, expected) => Some((field.clone(), *expected)),
        _ => None,
    };
    if let Some((field, _)) = &unknown
        && path.last() != Some(field)
    {
        path.push(field.clone());
    }
    let key = path.join(".");
    let at = error
        .metadata
        .as_ref()
        .map_or_else(|| key.clone(), |metadata| origin(metadata, &key, text));
    match unknown {
        Some((field, expected)) => ConfigError::UnknownKey {
            at,
            key,
            suggestion: closest(&field, expected),
        },
        None => ConfigError::Value {
            at,
            key,
            message: error.kind.to_string(),
        },
    }
}

/// The nearest of `candidates`, where one is near enough to be meant.
pub(super) fn closest(word: &str, candidates: &[&str]) -> Option<String> {
    candidates
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

fn origin(metadata: &Metadata, key: &str, text: Option<&(PathBuf, String)>) -> String {
    let name = metadata.name.as_ref();
    if name.starts_with("--") {
        return name.to_owned();
    }
    if name.contains("environment variable") {
        return variable(key);
    }
    match text {
        Some((path, content)) if name == FILE_LAYER => {
            let parts: Vec<&str> = key.split('.').collect();
            place(path, find_line(content, &parts).unwrap_or(1))
        }
        _ => "default".to_owned(),
    }
}

fn variable(key: &str) -> String {
    let key = key.strip_suffix(".use").unwrap_or(key);
    format!(
        "ROLLWRIGHT_{}",
        key.replace('.', "__")
            .replace('-', "_")
            .to_ascii_uppercase()
    )
}

fn place(path: &Path, line: usize) -> String {
    format!("{}:{line}", path.display())
}

/// The line on which a dotted key stands, from 1.
fn find_line(content: &str, parts: &[&str]) -> Option<usize> {
    let document = toml_edit::Document::parse(content).ok()?;
    let (last, sections) = parts.split_last()?;
    let table = sections
        .iter()
        .try_fold(document.as_item(), |item, part| {
            item.as_table_like()?.get(part)
        })?
        .as_table_like()?;
    let (key, item) = table.get_key_value(last)?;
    let start = key.span().or_else(|| item.span())?.start;
    Some(line_of(content, start))
}

fn line_of(content: &str, offset: usize) -> usize {
    content
        .as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}
