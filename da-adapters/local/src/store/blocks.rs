//! What is read of blocks.

use super::{
    Store,
    records::{BLOBS, BODIES, Body, HEADERS, META, State},
};
use crate::{Error, Namespace, proof::BlockTree};
use alloy_primitives::{B256, Bytes, keccak256};
use redb::{ReadTransaction, ReadableTable};
use rollwright_core::{BlobRef, DaBlock, DaHeader, DaHeight, DaLane, PostedBlob, Proof};

impl Store {
    /// The canonical header at a height, of a pruned block too, with the state
    /// that it was read in.
    pub(crate) fn header(&self, height: DaHeight) -> Result<(State, DaHeader), Error> {
        self.header_at(&self.read()?, height)
    }

    fn header_at(
        &self,
        transaction: &ReadTransaction,
        height: DaHeight,
    ) -> Result<(State, DaHeader), Error> {
        let meta = transaction.open_table(META).map_err(|e| self.reading(e))?;
        let state = self.state_in(&meta)?;
        if height > state.head.height {
            return Err(Error::NotYet {
                height,
                head: state.head.height,
            });
        }
        if height.0 == 0 {
            return Err(Error::NoSuchBlock {
                height,
                first: DaHeight(1),
            });
        }
        let headers = transaction
            .open_table(HEADERS)
            .map_err(|e| self.reading(e))?;
        let header = self.header_in(&headers, height.0)?;
        Ok((state, header))
    }

    /// Header and body of a block that is served.
    fn body_at(
        &self,
        transaction: &ReadTransaction,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<(DaHeader, Body), Error> {
        let (state, header) = self.header_at(transaction, height)?;
        if let Some(asked) = hash.filter(|hash| *hash != header.hash) {
            return Err(Error::NotCanonical {
                height,
                asked,
                canonical: header.hash,
            });
        }
        if height.0 < state.oldest {
            return Err(Error::Pruned {
                height,
                oldest: DaHeight(state.oldest),
            });
        }
        let bodies = transaction
            .open_table(BODIES)
            .map_err(|e| self.reading(e))?;
        Ok((header, self.body_in(&bodies, height.0)?))
    }

    /// The tree over a body's blobs: the one that the header commits to.
    fn tree_of(&self, header: &DaHeader, body: &Body) -> Result<BlockTree, Error> {
        let tree = BlockTree::new(body.salt, body.leaves.iter().copied());
        if tree.data_root() == Some(header.data_root) {
            return Ok(tree);
        }
        Err(self.corrupt(format!(
            "block {} does not hold what its header commits to",
            header.height
        )))
    }

    /// A namespace's blobs in a block, with proof of completeness.
    pub(crate) fn block(
        &self,
        namespace: Namespace,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<DaBlock, Error> {
        let transaction = self.read()?;
        let (header, body) = self.body_at(&transaction, height, hash)?;
        let tree = self.tree_of(&header, &body)?;
        let table = transaction.open_table(BLOBS).map_err(|e| self.reading(e))?;
        let mut blobs = Vec::new();
        for (index, position) in (0..).zip(tree.range(namespace)) {
            let commitment = body.leaves[position as usize].1;
            blobs.push(PostedBlob {
                reference: BlobRef {
                    block: header.id(),
                    index,
                    commitment,
                },
                lane: DaLane::Batch,
                poster: None,
                data: self.blob_in(&table, height.0, position, commitment)?,
            });
        }
        let completeness = tree
            .prove_complete(namespace)
            .ok_or_else(|| self.corrupt(format!("block {height} is out of order")))?;
        Ok(DaBlock {
            header,
            blobs,
            completeness,
        })
    }

    /// A proof that a blob stands in its block.
    pub(crate) fn prove(&self, namespace: Namespace, blob: &BlobRef) -> Result<Proof, Error> {
        let height = blob.block.height;
        let (header, body) = self.body_at(&self.read()?, height, Some(blob.block.hash))?;
        let tree = self.tree_of(&header, &body)?;
        let position = tree.range(namespace).start as usize + blob.index as usize;
        let missing = || Error::NoSuchBlob {
            height,
            index: blob.index,
            commitment: blob.commitment,
        };
        match body.leaves.get(position) {
            Some((found, commitment)) if *found == namespace && *commitment == blob.commitment => {
                tree.prove_included(namespace, blob.index)
                    .ok_or_else(missing)
            }
            _ => Err(missing()),
        }
    }

    /// Panics unless every header is linked to the one below it, and every
    /// kept block is what its header says.
    #[cfg(test)]
    pub(crate) fn check(&self) -> Result<(), Error> {
        let state = self.state()?;
        let transaction = self.read()?;
        let mut parent = B256::ZERO;
        for height in 1..=state.head.height.0 {
            let (_, header) = self.header_at(&transaction, DaHeight(height))?;
            assert_eq!(header.hash, crate::header_hash(state.network, &header));
            assert_eq!(header.parent_hash, parent);
            parent = header.hash;
            if height >= state.oldest {
                let (header, body) = self.body_at(&transaction, DaHeight(height), None)?;
                self.tree_of(&header, &body)?;
            }
        }
        Ok(())
    }

    pub(super) fn header_in(
        &self,
        headers: &impl ReadableTable<u64, &'static [u8]>,
        height: u64,
    ) -> Result<DaHeader, Error> {
        self.record(headers, "headers", height)?
            .ok_or_else(|| self.corrupt(format!("it has no header at height {height}")))
    }

    pub(super) fn body_in(
        &self,
        bodies: &impl ReadableTable<u64, &'static [u8]>,
        height: u64,
    ) -> Result<Body, Error> {
        self.record(bodies, "bodies", height)?
            .ok_or_else(|| self.corrupt(format!("it has no body at height {height}")))
    }

    pub(super) fn blob_in(
        &self,
        blobs: &impl ReadableTable<(u64, u32), &'static [u8]>,
        height: u64,
        position: u32,
        commitment: B256,
    ) -> Result<Bytes, Error> {
        let found = blobs.get((height, position)).map_err(|e| self.reading(e))?;
        let data = found
            .map(|bytes| Bytes::copy_from_slice(bytes.value()))
            .ok_or_else(|| self.corrupt(format!("it has no blob {position} at height {height}")))?;
        if keccak256(&data) != commitment {
            return Err(self.corrupt(format!(
                "blob {position} at height {height} does not have the hash that its block names"
            )));
        }
        Ok(data)
    }
}
