//! Bytes that PROTOCOL.md gives, written by hand, against the kit's types.

use rollwright_core::{Address, Anchor, B256, BlockRef, DaHeight, DaOrdinal, DaPoint};
use rollwright_derive::{
    Amendment, AmendmentChange, CodecId, DevChain, RollupConfig, SequencingPolicy,
};
use rollwright_reference::Chain;

#[test]
fn digests_with_each_amendment_are_those_of_the_kit() {
    let config = RollupConfig::dev(DevChain::default());
    let changes = [
        AmendmentChange::Keys(vec![Address::repeat_byte(3), Address::repeat_byte(4)]),
        AmendmentChange::GasLimit(20_000_000),
        AmendmentChange::Policy(SequencingPolicy::Single),
        AmendmentChange::Timing(config.timing),
        AmendmentChange::Forced(config.forced),
        AmendmentChange::Limits(config.limits),
        AmendmentChange::Codecs(vec![CodecId::NONE, CodecId::BROTLI]),
    ];
    let amendments = changes.into_iter().zip(5..).map(|(change, ordinal)| {
        let activation = DaOrdinal(ordinal);
        Amendment { activation, change }
    });
    let chain = Chain {
        genesis: BlockRef::default(),
        genesis_time: 0,
        config,
        digest: B256::repeat_byte(9),
        amendments: amendments.collect(),
    };
    let mut digest = chain.digest;
    assert_eq!(chain.digest_at(4), digest);
    for amendment in &chain.amendments {
        digest = amendment.extend_digest(digest);
        assert_eq!(chain.digest_at(amendment.activation.0), digest);
    }
}

#[test]
fn the_anchor_of_the_page_is_the_anchor_of_the_kit() {
    let hash = B256::repeat_byte(7);
    let data_root = B256::repeat_byte(8);
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(1_000),
        hash,
    };
    let anchor = Anchor::at(origin, DaOrdinal(900), data_root, 1_700_000_000);
    let mut bytes = vec![1, 0, 0, 0, 0];
    bytes.extend(1_000u64.to_le_bytes());
    bytes.extend(hash);
    bytes.extend(data_root);
    bytes.extend(1_700_000_000u64.to_le_bytes());
    bytes.extend(900u64.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend([0; 32]);
    assert_eq!(anchor.encode(), bytes);
    let mut randao = b"rollwright/prev_randao/v1".to_vec();
    randao.extend(hash);
    randao.extend(12u64.to_le_bytes());
    assert_eq!(anchor.prev_randao(12), alloy_primitives::keccak256(randao));
}
