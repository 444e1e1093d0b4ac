//! The files that name a layer.

use super::{Wanted, timing_for};
use crate::{
    Project, ProjectError,
    config::{DaChoice, Loaded},
    files,
};
use rollwright_core::DaHeader;
use rollwright_derive::{DaEpoch, DaEpochConfig};
use rollwright_evm::genesis::Genesis;
use std::path::Path;

impl Project {
    /// Makes `config` the first DA epoch of a chain that has not started, by
    /// its genesis file: the chain's identity changes. Timing is adapted where
    /// the layer's block time needs it, and the genesis time where the layer's
    /// first block is older.
    pub fn begin_on(&self, config: &DaEpochConfig, first: &DaHeader) -> Result<(), ProjectError> {
        let mut genesis = Genesis::clone(&self.genesis);
        genesis.timestamp = genesis.timestamp.min(first.time.saturating_sub(1));
        let Some(rollup) = genesis.config.rollwright.as_mut() else {
            return Ok(());
        };
        rollup.da = config.clone();
        if rollup.validate().is_err() {
            rollup.timing = timing_for(&rollup.timing, config.block_time_ms);
        }
        rollup.validate().map_err(|error| ProjectError::Rules {
            path: self.genesis_path.clone(),
            error: error.to_string(),
        })?;
        files::write(&self.genesis_path, &genesis.to_json())
    }

    /// Makes the layer that `da.use` names, by file or environment, the first
    /// one of a chain that has not started: what `rollwright da use` does, for
    /// `rollwright dev`. True where the genesis file was changed; a chain that
    /// has started, and one on that layer, are left alone.
    pub async fn begin_on_used_layer(config: &Loaded) -> Result<bool, ProjectError> {
        let project = Self::from_config_to_move(config.clone())?;
        let layer = config.values.da.r#use;
        let is_there = |epoch: &DaEpoch| epoch.config.layer == layer.layer();
        if project.is_started() || project.epochs().iter().any(is_there) {
            return Ok(false);
        }
        let wanted = Wanted {
            layer,
            address: None,
            block_time: None,
        };
        let candidate = project.candidate(&wanted, false).await?;
        let done = project.begin_on(&candidate.config, &candidate.first);
        candidate.close(&project).await;
        done.map(|()| true)
    }

    /// Writes the list of amendments beside the genesis file.
    pub fn write_amendments(&self, amendments: &crate::Amendments) -> Result<(), ProjectError> {
        let path = crate::Amendments::path_beside(&self.genesis_path);
        files::write(&path, &amendments.to_json())
    }

    /// The genesis file.
    pub fn genesis_path(&self) -> &Path {
        &self.genesis_path
    }

    /// Names a layer in `[da] use` of the file that was read: that one value,
    /// everything else as it was. False where the file says so already, or
    /// there is none.
    pub fn name_layer(&self, layer: DaChoice) -> Result<bool, ProjectError> {
        let Some(path) = self.config.file() else {
            return Ok(false);
        };
        let text = std::fs::read_to_string(path).map_err(|source| ProjectError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        match named(&text, layer.layer()) {
            Some(changed) => files::write(path, &changed).map(|()| true),
            None => Ok(false),
        }
    }
}

/// The text with another `[da] use`; `None` where that changes nothing.
pub(super) fn named(text: &str, layer: &str) -> Option<String> {
    let mut document: toml_edit::DocumentMut = text.parse().ok()?;
    let table = document.as_table_mut().entry("da");
    let table = table.or_insert_with(toml_edit::table).as_table_like_mut()?;
    match table.get_mut("use") {
        Some(item) => {
            let value = item.as_value_mut()?;
            if value.as_str() == Some(layer) {
                return None;
            }
            let decor = value.decor().clone();
            *value = layer.into();
            *value.decor_mut() = decor;
        }
        None => {
            table.insert("use", toml_edit::value(layer));
        }
    }
    Some(document.to_string())
}
