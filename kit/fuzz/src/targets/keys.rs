//! Secret keys, and the files that they stand in.

use crate::{Memory, Seed, Target, seeds::DEV_KEY};
use alloy_primitives::{B256, hex};
use rollwright::config::Secret;
use rollwright_core::LayerError as _;
use rollwright_derive::{KeySigner, PartSigner as _};
use rollwright_node::SequencerKey;
use std::{cell::RefCell, fs, os::unix::fs::PermissionsExt as _};

/// The text of a key file.
pub(super) const KEYS: Target = Target {
    name: "keys",
    about: "A key file reads as its text or fails with a code that does not show it; both kinds of \
            signer take the same keys and sign alike.",
    run: keys,
    seeds: || {
        vec![
            Seed::new("hex", hex::encode(DEV_KEY)),
            Seed::new("prefixed", format!("  {}\n", hex::encode_prefixed(DEV_KEY))),
            Seed::new("zero", "0".repeat(64)),
            Seed::new(
                "order",
                "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
            ),
        ]
    },
    max_len: 128,
    memory: Memory::megabytes(1),
    words: &[b"0x"],
};

fn keys(input: &[u8]) {
    thread_local! {
        static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
    }
    let read = FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a folder"));
        let path = folder.path().join("key");
        fs::write(&path, input).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        Secret::File("key".into()).read("sequencer.key", folder.path())
    });
    let text = match (read, std::str::from_utf8(input)) {
        (Ok(text), Ok(input)) => {
            assert_eq!(text, input.trim());
            text
        }
        (Err(error), Err(_)) => {
            assert!(error.code().starts_with("RW-"));
            return;
        }
        (read, input) => panic!("{input:?} reads as {read:?}"),
    };
    let Ok(secret) = text.parse::<B256>() else {
        return;
    };
    let hash = B256::repeat_byte(3);
    match (SequencerKey::from_bytes(secret), KeySigner::new(secret)) {
        (Ok(node), Ok(derive)) => {
            assert_eq!(node.address(), derive.address());
            let signature = node.sign(hash).expect("signs");
            assert_eq!(Ok(signature), derive.sign(&hash));
            assert_eq!(
                signature.recover_address_from_prehash(&hash).ok(),
                Some(node.address())
            );
            assert!(!format!("{node:?} {derive:?}").contains(&hex::encode(secret)));
        }
        (Err(node), Err(derive)) => {
            let shown = format!("{node} {node:?} {derive} {derive:?}");
            assert!(!shown.contains(&hex::encode(secret)), "{shown}");
        }
        (node, derive) => panic!("{node:?} and {derive:?}"),
    }
}
