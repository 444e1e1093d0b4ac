//! Checks a stopped chain: against its DA layer alone, or its state in itself.

use crate::{Project, ProjectError, StartError};
use rollwright_evm::{
    engine::{EngineError, EvmEngine},
    store::StateCheck,
};
use rollwright_node::{NodeError, Verified, VerifyOptions, VerifyProgress};

impl Project {
    /// Derives the whole chain again from DA into a fresh store inside the
    /// data directory, which is removed afterwards, and compares every block
    /// with the chain's own.
    ///
    /// No node may use the data directory meanwhile. `progress` is called
    /// after each DA block. A call of the layer that takes longer than
    /// `da.timeout` is made again a few times.
    pub async fn verify(
        &self,
        progress: impl FnMut(VerifyProgress) + Send,
    ) -> Result<Verified, StartError> {
        let reference = self.existing_evm()?;
        let mut opened = self.read_layers().await?;
        let missing = opened.missing.take();
        let layers = opened.limited(self)?;
        let scratch = tempfile::Builder::new()
            .prefix("verify-")
            .tempdir_in(&self.data_dir)
            .map_err(|source| ProjectError::Unwritable {
                path: self.data_dir.clone(),
                source,
            })?;
        let fresh = self.evm_at(scratch.path())?;
        let mut options = VerifyOptions::default();
        options.amendments = self.amendments().to_vec();
        let verified =
            rollwright_node::verify(&layers, &fresh, &reference, options, progress).await;
        match (verified, missing) {
            // What is wrong with the settings says more than that it is missing.
            (Err(NodeError::MissingLayer { .. }), Some(reason)) => Err(reason.into()),
            (verified, _) => Ok(verified?),
        }
    }

    /// Computes every root of the latest state from its accounts and slots, and
    /// compares them with the head's header and with the stored tries; `progress`
    /// is told now and then how many accounts are done.
    ///
    /// No node may use the data directory meanwhile. Blocks the thread: reads
    /// the whole state, in bounded memory.
    pub fn check_state(&self, progress: &mut dyn FnMut(u64)) -> Result<StateCheck, StartError> {
        let engine = self.existing_evm()?;
        let found = engine.store().check_with(progress);
        Ok(found.map_err(|error| ProjectError::from(EngineError::from(error)))?)
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
