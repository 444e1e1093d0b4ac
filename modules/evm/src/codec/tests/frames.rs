//! The strict form of compressed columns.

use super::*;
use crate::codec::compress::{compress, decompress};

fn frame(columns: &[u8]) -> Vec<u8> {
    compress(CodecId::ZSTD, columns.to_vec()).expect("compresses")
}

fn columns() -> Vec<u8> {
    (0..20_000u32)
        .flat_map(|word| (word / 3).to_le_bytes())
        .collect()
}

fn with(level: i32, set: &[zstd::zstd_safe::CParameter], columns: &[u8]) -> Vec<u8> {
    let mut compressor = zstd::bulk::Compressor::new(level).expect("a compressor");
    for parameter in set {
        compressor.set_parameter(*parameter).expect("a parameter");
    }
    compressor.compress(columns).expect("compresses")
}

#[test]
fn a_frame_of_any_level_is_read() {
    let columns = columns();
    for level in [1, 3, 9, 19] {
        let frame = with(level, &[], &columns);
        let read = decompress(CodecId::ZSTD, &frame, columns.len()).expect("decompresses");
        assert_eq!(read, columns);
    }
}

#[test]
fn a_checksum_is_refused() {
    use zstd::zstd_safe::CParameter::ChecksumFlag;
    let columns = columns();
    let frame = with(3, &[ChecksumFlag(true)], &columns);
    assert_malformed(decompress(CodecId::ZSTD, &frame, columns.len()), "checksum");
}

#[test]
fn a_frame_without_content_size_is_refused() {
    use zstd::zstd_safe::CParameter::ContentSizeFlag;
    let columns = columns();
    let frame = with(3, &[ContentSizeFlag(false)], &columns);
    assert_malformed(
        decompress(CodecId::ZSTD, &frame, columns.len()),
        "content size",
    );
}

#[test]
fn a_dictionary_id_is_refused() {
    let columns = columns();
    let mut frame = frame(&columns);
    frame[4] |= 1;
    assert_malformed(
        decompress(CodecId::ZSTD, &frame, columns.len()),
        "dictionary",
    );
}

#[test]
fn bytes_after_the_frame_are_refused() {
    let columns = columns();
    let mut twice = frame(&columns);
    twice.extend(frame(&[]));
    assert_malformed(
        decompress(CodecId::ZSTD, &twice, columns.len()),
        "follow the frame",
    );
    let mut skippable = frame(&columns);
    skippable.extend([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
    assert_malformed(
        decompress(CodecId::ZSTD, &skippable, columns.len()),
        "follow the frame",
    );
}

#[test]
fn a_skippable_frame_in_front_is_refused() {
    let columns = columns();
    let mut payload = vec![0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
    payload.extend(frame(&columns));
    assert_malformed(
        decompress(CodecId::ZSTD, &payload, columns.len()),
        "does not begin",
    );
}

#[test]
fn a_window_above_8_mib_is_refused() {
    // Not a single segment, window descriptor for 16 MiB, content size 4 bytes.
    let len = 9u32 << 20;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x80, (24 - 10) << 3];
    frame.extend(len.to_le_bytes());
    frame.extend([1, 0, 0]);
    assert_malformed(decompress(CodecId::ZSTD, &frame, len as usize), "window");
    // A single segment's window is its content.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend(len.to_le_bytes());
    frame.extend([1, 0, 0]);
    assert_malformed(decompress(CodecId::ZSTD, &frame, len as usize), "window");
}

#[test]
fn another_length_than_stated_is_refused() {
    let columns = columns();
    for id in [CodecId::ZSTD, CodecId::BROTLI, CodecId::NONE] {
        let payload = compress(id, columns.clone()).expect("compresses");
        for len in [0, columns.len() - 1, columns.len() + 1] {
            let result = decompress(id, &payload, len);
            assert!(
                matches!(result, Err(CodecError::Compression(_))),
                "{id:?} {len}"
            );
        }
    }
}

#[test]
fn a_bomb_stops_at_the_stated_length() {
    let zeros = vec![0u8; 64 << 20];
    let mut brotli = compress(CodecId::BROTLI, zeros).expect("compresses");
    assert!(decompress(CodecId::BROTLI, &brotli, 1_000).is_err());
    brotli.push(0);
    assert!(decompress(CodecId::BROTLI, &brotli, 64 << 20).is_err());
}

#[test]
fn a_frame_whose_blocks_hold_more_than_its_header_says_is_refused() {
    let columns = columns();
    let mut frame = frame(&columns);
    // Three-byte blocks follow the header: make the content size smaller.
    let stated = columns.len() - 5;
    let descriptor = frame[4];
    assert_eq!(descriptor >> 6, 2, "four bytes of content size");
    let at = if descriptor & 0x20 == 0 { 6 } else { 5 };
    frame[at..at + 4].copy_from_slice(&(stated as u32).to_le_bytes());
    assert!(decompress(CodecId::ZSTD, &frame, stated).is_err());
}

#[test]
fn large_columns_stay_within_the_window() {
    let columns: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let frame = frame(&columns);
    let read = decompress(CodecId::ZSTD, &frame, columns.len()).expect("decompresses");
    assert!(read == columns);
}

#[test]
fn unknown_codecs_are_named() {
    for id in [CodecId::DICTIONARY, CodecId(200)] {
        assert_eq!(decompress(id, &[], 0), Err(CodecError::UnknownCodec(id)));
        let blocks = samples::every_column();
        assert_eq!(
            codec().encode(id, &blocks),
            Err(CodecError::UnknownCodec(id))
        );
    }
}

/// A large frame with sequences, literals and several blocks.
fn rich() -> Vec<u8> {
    let mut random = mix::Random::new(5);
    let mut columns = Vec::new();
    for _ in 0..20_000 {
        let bits = 1 + random.below(40);
        let word = random.below(1 << bits);
        columns.extend_from_slice(&word.to_be_bytes());
    }
    columns
}

#[test]
fn damaged_streams_are_survived_within_their_length() {
    let columns = rich();
    let mut random = mix::Random::new(6);
    for id in [CodecId::ZSTD, CodecId::BROTLI] {
        let stream = compress(id, columns.clone()).expect("compresses");
        for _ in 0..300 {
            let mut damaged = stream.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(damaged.len() as u64) as usize;
                damaged[at] = random.next() as u8;
            }
            if let Ok(read) = decompress(id, &damaged, columns.len()) {
                assert_eq!(read.len(), columns.len());
            }
        }
    }
}
