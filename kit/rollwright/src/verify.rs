//! Checks a stopped chain against its DA layer alone.

use crate::{Project, ProjectError, StartError};
use rollwright_core::boxed::BoxDa;
use rollwright_evm::engine::EvmEngine;
use rollwright_node::{Verified, VerifyOptions, VerifyProgress};

impl Project {
    /// Derives the whole chain again from DA into a fresh store inside the
    /// data directory, which is removed afterwards, and compares every block
    /// with the chain's own.
    ///
    /// No node may use the data directory meanwhile. `progress` is called
    /// after each DA block.
    pub async fn verify(
        &self,
        progress: impl FnMut(VerifyProgress) + Send,
    ) -> Result<Verified, StartError> {
        let reference = self.existing_evm()?;
        let da = BoxDa::new(self.read_local_da().await?);
        let scratch = tempfile::Builder::new()
            .prefix("verify-")
            .tempdir_in(&self.data_dir)
            .map_err(|source| ProjectError::Unwritable {
                path: self.data_dir.clone(),
                source,
            })?;
        let fresh = self.evm_at(scratch.path())?;
        let verified =
            rollwright_node::verify(&da, &fresh, &reference, VerifyOptions::default(), progress)
                .await?;
        Ok(verified)
    }

    /// The engine of a chain that was started before.
    pub fn existing_evm(&self) -> Result<EvmEngine, ProjectError> {
        if !self.state_dir().exists() {
            return Err(ProjectError::NoChain {
                path: self.data_dir.clone(),
            });
        }
        self.evm()
    }
}
