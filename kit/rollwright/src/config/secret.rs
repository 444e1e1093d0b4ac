use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where a secret comes from: never from the file itself.
///
/// `{ env = "NAME" }` or `{ file = "path" }`. The value is read once, when it
/// is needed, and appears in no log, error or `--json` output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Secret {
    /// An environment variable.
    Env(String),
    /// A file that only its owner can read; white space at its ends is cut.
    File(PathBuf),
}

impl Secret {
    /// Reads the value. Relative paths start at `base`.
    ///
    /// Refuses a variable that is not set, a file that is missing, and a file
    /// that others can read.
    pub fn read(&self, key: &str, base: &Path) -> Result<String, ConfigError> {
        match self {
            Self::Env(name) => std::env::var(name)
                .map(|value| value.trim().to_owned())
                .map_err(|_| ConfigError::SecretUnset {
                    key: key.to_owned(),
                    variable: name.clone(),
                }),
            Self::File(path) => {
                let path = base.join(path);
                refuse_readable_by_others(key, &path)?;
                std::fs::read_to_string(&path)
                    .map(|value| value.trim().to_owned())
                    .map_err(|source| ConfigError::SecretFile {
                        key: key.to_owned(),
                        path,
                        source,
                    })
            }
        }
    }
}

/// The address of a service: text, or, where it contains a key, a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Endpoint {
    /// The address itself.
    Address(String),
    /// Where the address stands.
    Source(Secret),
}

impl Endpoint {
    /// The address. Fails as [`Secret::read`] does.
    pub fn read(&self, key: &str, base: &Path) -> Result<String, ConfigError> {
        match self {
            Self::Address(address) => Ok(address.clone()),
            Self::Source(source) => source.read(key, base),
        }
    }
}

/// Addresses in order of preference; one alone may stand without brackets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMore")]
pub struct Endpoints(pub Vec<Endpoint>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    More(Vec<Endpoint>),
    One(Endpoint),
}

impl From<OneOrMore> for Endpoints {
    fn from(endpoints: OneOrMore) -> Self {
        match endpoints {
            OneOrMore::More(list) => Self(list),
            OneOrMore::One(endpoint) => Self(vec![endpoint]),
        }
    }
}

#[cfg(unix)]
fn refuse_readable_by_others(key: &str, path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|source| ConfigError::SecretFile {
        key: key.to_owned(),
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(ConfigError::SecretReadable {
            key: key.to_owned(),
            path: path.to_owned(),
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_key: &str, _path: &Path) -> Result<(), ConfigError> {
    Ok(())
}
