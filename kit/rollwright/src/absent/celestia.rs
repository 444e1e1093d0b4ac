//! What stands in for Celestia where it was not compiled in.

use crate::{Project, ProjectError, layers::Use};
use rollwright_core::{Clock, DaHeader, boxed::BoxDa};
use rollwright_derive::{DaEpoch, DaEpochConfig};
use std::{path::Path, sync::Arc};

const MISSING: ProjectError = ProjectError::MissingFeature {
    layer: "celestia",
    feature: "celestia",
};

/// Nothing of Celestia runs here.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveCelestia;

impl LiveCelestia {
    pub(crate) fn stop(&self) -> std::future::Ready<()> {
        std::future::ready(())
    }
}

pub(crate) fn create_devnet(
    _: &Path,
    _: Arc<dyn Clock>,
) -> std::future::Ready<Result<(String, DaHeader), ProjectError>> {
    std::future::ready(Err(MISSING))
}

impl Project {
    pub(crate) fn open_celestia(
        &self,
        _: &DaEpoch,
        _: Use,
    ) -> std::future::Ready<Result<BoxDa, ProjectError>> {
        std::future::ready(Err(MISSING))
    }

    /// Always `None`: Celestia was not compiled in.
    pub const fn celestia_devnet_url(&self) -> Option<String> {
        None
    }

    pub(crate) const fn is_own_celestia(&self, _: &DaEpochConfig) -> bool {
        false
    }
}
