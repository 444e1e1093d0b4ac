//! The stream of blocks, without a chain.

use crate::import::{ChainFile, ImportError};
use alloy_consensus::{Block, Header};
use std::io::{self, Read};

fn block(number: u64) -> Vec<u8> {
    let header = Header {
        number,
        extra_data: vec![7; number as usize % 33].into(),
        ..Default::default()
    };
    alloy_rlp::encode(Block::<crate::machine::TxEnvelope>::uncle(header))
}

fn numbers(bytes: &[u8]) -> (Vec<u64>, Option<ImportError>) {
    let mut seen = Vec::new();
    for block in ChainFile::new(bytes) {
        match block {
            Ok(block) => seen.push(block.header().number),
            Err(error) => return (seen, Some(error)),
        }
    }
    (seen, None)
}

#[test]
fn blocks_come_one_by_one_and_the_offset_counts_their_bytes() {
    let bytes = [block(1), block(2), block(3)].concat();
    assert!(matches!(numbers(&bytes), (seen, None) if seen == [1, 2, 3]));
    assert!(matches!(numbers(&[]), (seen, None) if seen.is_empty()));
    let mut file = ChainFile::new(bytes.as_slice());
    file.next();
    assert_eq!(file.offset(), block(1).len() as u64);
}

#[test]
fn a_file_that_is_cut_anywhere_gives_its_whole_blocks_and_an_error() {
    let first = block(1);
    let bytes = [first.clone(), block(2)].concat();
    for cut in first.len() + 1..bytes.len() {
        let (seen, error) = numbers(&bytes[..cut]);
        assert_eq!(seen, [1], "{cut}");
        let offset = first.len() as u64;
        assert!(
            matches!(error, Some(ImportError::CutOff { offset: at }) if at == offset),
            "{cut}: {error:?}"
        );
    }
}

#[test]
fn what_is_no_list_and_what_announces_too_much_is_refused_unread() {
    let zeros = [0; 64];
    for begin in [
        &[0x80_u8][..],
        &[0x00],
        &[0xc0],
        &[0xc3, 1, 2, 3],
        // 2^56 and 2^64 - 1 bytes.
        &[0xff, 1, 0, 0, 0, 0, 0, 0, 0],
        &[0xff; 9],
        // 64 MiB.
        &[0xfb, 4, 0, 0, 0],
    ] {
        let bytes = [begin, &zeros[..]].concat();
        let (seen, error) = numbers(&bytes);
        assert!(seen.is_empty());
        assert!(
            matches!(error, Some(ImportError::NotABlock { offset: 0, .. })),
            "{begin:?}: {error:?}"
        );
    }
}

#[test]
fn a_reader_that_fails_is_an_error_and_the_end() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let mut file = ChainFile::new(Broken);
    assert!(matches!(
        file.next(),
        Some(Err(ImportError::File { offset: 0, .. }))
    ));
    assert!(file.next().is_none());
}
