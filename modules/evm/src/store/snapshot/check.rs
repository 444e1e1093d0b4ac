use super::{
    super::{StoreError, kv::Row},
    SnapshotError, SnapshotInfo,
    format::{Chunk, Reader},
    walk::{Position, Sink, Walk},
};
use crate::trie::Update;
use alloy_primitives::B256;
use alloy_trie::{HashBuilder, Nibbles};
use std::io;

/// Checks a snapshot without keeping it, with every check of an import, and
/// computes its roots the way a block explorer would: sorted leaves through
/// alloy's hash builder. `genesis` is the chain that is expected, if it is
/// known.
///
/// Memory does not grow with the state, but for 32 bytes for each distinct
/// code.
pub fn check(genesis: Option<B256>, input: &mut dyn io::Read) -> Result<SnapshotInfo, StoreError> {
    let mut reader = Reader::new(input)?;
    let manifest = match reader.next()? {
        Some(Chunk::Manifest(manifest)) => manifest,
        _ => return Err(reader.damaged("it is not the manifest").into()),
    };
    if let Some(expected) = genesis
        && manifest.genesis.hash != expected
    {
        return Err(SnapshotError::OtherChain {
            found: manifest.genesis.hash,
            expected,
        }
        .into());
    }
    let walk = Walk::new(manifest, reader.last_hash(), None);
    Ok(walk.run(&mut reader, &mut Roots::default())?.info)
}

/// Computes the roots, and keeps nothing else.
#[derive(Default)]
struct Roots {
    accounts: HashBuilder,
    storage: Option<(B256, HashBuilder)>,
}

impl Sink for Roots {
    fn slots(
        &mut self,
        _: Vec<Row>,
        owners: Vec<(B256, Vec<Update>)>,
    ) -> Result<Vec<(B256, B256)>, StoreError> {
        let mut complete = Vec::new();
        for (owner, updates) in owners {
            if self
                .storage
                .as_ref()
                .is_some_and(|(last, _)| *last != owner)
            {
                complete.extend(self.last_owner());
            }
            let (_, builder) = self
                .storage
                .get_or_insert_with(|| (owner, HashBuilder::default()));
            add(builder, &updates);
        }
        Ok(complete)
    }

    fn last_owner(&mut self) -> Option<(B256, B256)> {
        let (owner, mut builder) = self.storage.take()?;
        Some((owner, builder.root()))
    }

    fn accounts(&mut self, _: Vec<Row>, leaves: Vec<Update>) -> Result<(), StoreError> {
        add(&mut self.accounts, &leaves);
        Ok(())
    }

    fn codes(&mut self, _: Vec<(B256, Vec<u8>)>) -> Result<(), StoreError> {
        Ok(())
    }

    fn done(&mut self, _: &Position) -> Result<(), StoreError> {
        Ok(())
    }

    fn root(&mut self) -> B256 {
        std::mem::take(&mut self.accounts).root()
    }
}

fn add(builder: &mut HashBuilder, leaves: &[Update]) {
    for leaf in leaves {
        let value = leaf.value.as_deref().unwrap_or_default();
        builder.add_leaf(Nibbles::unpack_array(&leaf.key.0), value);
    }
}
