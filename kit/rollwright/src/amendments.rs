//! `amendments.json`: later changes of the chain configuration, beside
//! `genesis.json`.
//!
//! ```json
//! {
//!   "version": 1,
//!   "rollupId": "0x2f…",
//!   "amendments": [
//!     { "activation": 900, "change": { "gasLimit": 400000000 } }
//!   ]
//! }
//! ```
//!
//! The list is only appended to, and is the same on every node of the chain.
//! Unknown keys are refused. `rollupId`, the genesis hash, may be left out; a
//! file that names another chain is refused when the chain is opened.

#[cfg(test)]
mod tests;

use crate::ProjectError;
use rollwright_core::B256;
use rollwright_derive::{Amendment, AmendmentChange, DaEpoch, RollupConfig, Rules};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Name of the file, in the folder of the genesis file.
pub const AMENDMENTS_FILE: &str = "amendments.json";

/// Version of the file's form.
const VERSION: u16 = 1;

/// The content of an `amendments.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amendments {
    /// Genesis hash of the chain that they are for, where the file names it.
    pub rollup_id: Option<B256>,
    /// Oldest first.
    pub list: Vec<Amendment>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    version: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rollup_id: Option<B256>,
    amendments: Vec<Amendment>,
}

impl Amendments {
    /// Where those of a genesis file stand.
    pub fn path_beside(genesis: &Path) -> PathBuf {
        genesis.with_file_name(AMENDMENTS_FILE)
    }

    /// Reads a file; one that does not exist holds none.
    pub fn read(path: &Path) -> Result<Self, ProjectError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_json(&text).map_err(|reason| ProjectError::Amendments {
                path: path.to_owned(),
                reason,
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ProjectError::Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Parses the text of a file. The error says what is wrong and where.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if file.version != VERSION {
            return Err(format!(
                "its version is {}, and this binary reads {VERSION}",
                file.version
            ));
        }
        Ok(Self {
            rollup_id: file.rollup_id,
            list: file.amendments,
        })
    }

    /// The text of a file: the same for equal content, and read back as it was.
    pub fn to_json(&self) -> String {
        let file = File {
            version: VERSION,
            rollup_id: self.rollup_id,
            amendments: self.list.clone(),
        };
        // Numbers, strings and lists alone: this cannot fail.
        serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
    }

    /// True where `later` has all of these, unchanged and first.
    pub fn begin(&self, later: &Self) -> bool {
        later.list.starts_with(&self.list)
    }
}

/// What an amendment changes, in a word.
pub fn kind(change: &AmendmentChange) -> &'static str {
    match change {
        AmendmentChange::Keys(_) => "keys",
        AmendmentChange::GasLimit(_) => "gas limit",
        AmendmentChange::Policy(_) => "policy",
        AmendmentChange::Timing(_) => "timing",
        AmendmentChange::Forced(_) => "forced lane",
        AmendmentChange::Limits(_) => "limits",
        AmendmentChange::Codecs(_) => "codecs",
        AmendmentChange::DaEpoch(_) => "DA epoch",
    }
}

/// The DA epochs that a configuration with amendments has. Checks both.
pub(crate) fn epochs(
    rollup: &RollupConfig,
    amendments: &[Amendment],
) -> Result<Vec<DaEpoch>, String> {
    let rules = Rules::new(B256::ZERO, B256::ZERO, rollup.clone(), amendments.to_vec());
    match rules {
        Ok(rules) => Ok(rules.epochs().to_vec()),
        Err(error) => Err(error.to_string()),
    }
}
