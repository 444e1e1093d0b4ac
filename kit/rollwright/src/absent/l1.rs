//! What stands in for Ethereum blobs where they were not compiled in.

use crate::{Project, ProjectError};
use rollwright_core::{Clock, DaHeader, boxed::BoxDa};
use rollwright_derive::DaEpoch;
use std::{path::Path, sync::Arc, time::Duration};

const MISSING: ProjectError = ProjectError::MissingFeature {
    layer: "ethereum",
    feature: "ethereum",
};

/// There is none.
#[derive(Debug)]
pub(crate) enum Anvil {}

impl Anvil {
    pub(crate) fn url(&self) -> String {
        match *self {}
    }
}

/// No L1 runs here.
#[derive(Clone, Debug, Default)]
pub(crate) struct DevL1;

impl DevL1 {
    pub(crate) fn keep(&self, anvil: Anvil) {
        match anvil {}
    }

    pub(crate) fn stop(&self) -> std::future::Ready<()> {
        std::future::ready(())
    }
}

pub(crate) fn start_dev_l1(
    _: &Path,
    _: Duration,
) -> std::future::Ready<Result<Anvil, ProjectError>> {
    std::future::ready(Err(MISSING))
}

pub(crate) const fn leave_dev_key(_: &Path) -> Result<(), ProjectError> {
    Err(MISSING)
}

pub(crate) fn l1_now(
    _: &str,
    _: Arc<dyn Clock>,
) -> std::future::Ready<Result<(String, DaHeader), ProjectError>> {
    std::future::ready(Err(MISSING))
}

/// Never asked for: there is no L1.
pub(crate) fn inbox_text(_: u64, _: &str) -> String {
    String::new()
}

/// File with the key of the account that posts to a development L1.
pub(crate) const DEV_KEY: &str = "l1.key";

impl Project {
    pub(crate) fn open_ethereum_da(
        &self,
        _: &DaEpoch,
        _: bool,
    ) -> std::future::Ready<Result<BoxDa, ProjectError>> {
        std::future::ready(Err(MISSING))
    }
}
