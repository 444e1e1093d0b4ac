//! Squares with a header around them, for the tests of what is pure.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::{
    NamespaceContent, ProofError, TrustedHeader,
    devnet::{BlobUnit, ExtendedSquare, Square, SquareBuilder},
    verify_namespace,
};
use celestia_types::{
    Blob, namespace_data::NamespaceData, nmt::Namespace, row_namespace_data::RowNamespaceData,
};
use std::sync::OnceLock;
use tendermint::{
    AppHash, Hash, Time, account,
    block::{Header, header::Version},
};

pub(crate) fn namespace(n: u8) -> Namespace {
    Namespace::new_v0(&[0xee, n]).unwrap()
}

pub(crate) struct Fixture {
    pub(crate) header: TrustedHeader,
    pub(crate) square: ExtendedSquare,
    pub(crate) blobs: Vec<Blob>,
}

impl Fixture {
    /// Blobs of these namespaces and lengths, paid by one transaction.
    pub(crate) fn new(blobs: &[(u8, usize)]) -> Self {
        let blobs: Vec<_> = blobs
            .iter()
            .map(|&(n, bytes)| Blob::new(namespace(n), vec![n; bytes], None).unwrap())
            .collect();
        let mut builder = SquareBuilder::new(32);
        assert!(builder.push(BlobUnit {
            tx: vec![1; 300],
            blobs: blobs.clone(),
        }));
        Self::around(&builder.build(), blobs)
    }

    /// Raw shares, as no proposer would lay them out.
    pub(crate) fn of_shares(shares: &[Vec<u8>]) -> Self {
        let square = Square::from_content(4, &shares.concat()).unwrap();
        Self::around(&square, Vec::new())
    }

    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Fixture> = OnceLock::new();
        SHARED.get_or_init(|| Self::new(&[(1, 600), (3, 4_000), (3, 700), (5, 100)]))
    }

    fn around(square: &Square, blobs: Vec<Blob>) -> Self {
        let square = ExtendedSquare::new(square).unwrap();
        let hash = Hash::Sha256([3; 32]);
        let header = Header {
            version: Version { block: 11, app: 10 },
            chain_id: "private".parse().unwrap(),
            height: 5u32.into(),
            time: Time::from_unix_timestamp(1_700_000_000, 123_456_789).unwrap(),
            last_block_id: Some(tendermint::block::Id {
                hash,
                part_set_header: tendermint::block::parts::Header::new(1, hash).unwrap(),
            }),
            last_commit_hash: Some(hash),
            data_hash: Some(square.dah().hash()),
            validators_hash: hash,
            next_validators_hash: hash,
            consensus_hash: hash,
            app_hash: AppHash::try_from(vec![1; 32]).unwrap(),
            last_results_hash: Some(hash),
            evidence_hash: Some(hash),
            proposer_address: account::Id::new([1; 20]),
        };
        let header = TrustedHeader::from_parts(header, square.dah().clone()).unwrap();
        Self {
            header,
            square,
            blobs,
        }
    }

    pub(crate) fn data(&self, n: u8) -> Vec<RowNamespaceData> {
        self.square.namespace_data(namespace(n))
    }

    pub(crate) fn verify(
        &self,
        n: u8,
        rows: Vec<RowNamespaceData>,
    ) -> Result<NamespaceContent, ProofError> {
        verify_namespace(&self.header, namespace(n), &NamespaceData::new(rows))
    }

    pub(crate) fn content(&self, n: u8) -> NamespaceContent {
        self.verify(n, self.data(n)).unwrap()
    }
}
