//! The suite that every layer passes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use custom_da::FolderDa;
use rollwright_core::{
    ManualClock,
    conformance::{self, DaHarness},
};
use std::sync::{Arc, Mutex};

struct Folder {
    folder: tempfile::TempDir,
    open: Mutex<Option<FolderDa>>,
}

impl DaHarness for Folder {
    type Da = FolderDa;

    async fn open(&self) -> FolderDa {
        let mut open = self.open.lock().unwrap();
        // The process before is gone: only the files are left.
        *open = Some(FolderDa::open(self.folder.path(), Arc::new(ManualClock::at(1_000))).unwrap());
        open.clone().unwrap()
    }

    async fn advance(&self, blocks: u64) {
        let open = self.open.lock().unwrap().clone().unwrap();
        for _ in 0..blocks {
            open.seal().unwrap();
        }
    }
}

#[tokio::test]
async fn a_folder_is_a_layer() {
    let new = async || Folder {
        folder: tempfile::tempdir().unwrap(),
        open: Mutex::new(None),
    };
    // It never reorganises, keeps everything, and has both lanes.
    conformance::da(new).await.assert_skipping(&[
        "a_lane_without_address_is_rejected",
        "a_reorganised_block_is_not_canonical",
        "a_unit_in_an_orphaned_block_is_posted_again_once",
        "an_orphaned_reference_is_not_proved",
        "a_final_block_survives_a_reorganisation",
        "a_pruned_block_is_told_from_one_to_come",
    ]);
}
