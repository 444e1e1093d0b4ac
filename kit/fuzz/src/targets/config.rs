//! What an operator writes: `genesis.json`, `rollup.toml`, amendments.

use crate::{Memory, Seed, Target, seeds};
use alloy_primitives::B256;
use rollwright::config::Layers;
use rollwright_core::{DaOrdinal, LayerError};
use rollwright_derive::{Amendment, RollupConfig, Rules};
use rollwright_evm::genesis::Genesis;
use std::{cell::RefCell, fs};

/// `genesis.json`.
pub(super) const GENESIS: Target = Target {
    name: "config-genesis",
    about: "A genesis file is refused with a code, or reads again as what it was, and its block too.",
    run: genesis,
    seeds: || {
        vec![
            Seed::new("dev.json", seeds::genesis().to_json()),
            Seed::new("small.json", seeds::small_genesis().to_json()),
        ]
    },
    max_len: 32 << 10,
    memory: Memory {
        base: 4 << 20,
        per_byte: 512,
    },
    words: WORDS,
};

/// The object `config.rollwright`.
pub(super) const ROLLUP: Target = Target {
    name: "config-rollup",
    about: "A chain configuration that passes its checks gives rules that answer for every ordinal.",
    run: rollup,
    seeds: || vec![Seed::new("dev.json", seeds::json(&seeds::rollup()))],
    max_len: 8 << 10,
    memory: Memory {
        base: 1 << 20,
        per_byte: 512,
    },
    words: WORDS,
};

/// A list of amendments, on a fixed configuration.
pub(super) const AMENDMENTS: Target = Target {
    name: "config-amendments",
    about: "Amendments are refused, or lead to rules that pass the checks of a configuration.",
    run: amendments,
    seeds: || {
        vec![Seed::new(
            "each-kind.json",
            seeds::json(&seeds::amendments()),
        )]
    },
    max_len: 8 << 10,
    memory: Memory {
        base: 4 << 20,
        per_byte: 512,
    },
    words: WORDS,
};

/// `rollup.toml`.
pub(super) const TOML: Target = Target {
    name: "config-toml",
    about: "A configuration file is refused with a code and a place, or can be shown in full.",
    run: toml,
    seeds: seeds::tomls,
    max_len: 4 << 10,
    memory: Memory {
        base: 4 << 20,
        per_byte: 4_096,
    },
    words: &[
        b"[chain]",
        b"[da]",
        b"[rpc]",
        b"[sequencer]",
        b"[execution]",
        b"[da.local]",
        b"use = ",
        b"id = ",
        b"\"\"\"",
        b"'''",
        b"{ file = ",
        b"{ env = ",
        b"data-dir",
        b"0x",
        b"inf",
        b"nan",
        b"1_0",
        b"1979-05-27T07:32:00Z",
        b"[[",
        b"]]",
    ],
};

const WORDS: &[&[u8]] = &[
    b"\"0x\"",
    b"\"0x1\"",
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"18446744073709551615",
    b"18446744073709551616",
    b"\\u0000",
    b"\"config\"",
    b"\"alloc\"",
    b"\"rollwright\"",
    b"\"keys\"",
    b"\"from\"",
    b"\"gas\"",
    b"\"timing\"",
    b"\"window\"",
    b"\"forced\"",
    b"\"limits\"",
    b"\"codecs\"",
    b"\"gasLimit\"",
    b"\"policy\"",
    b"\"daEpoch\"",
    b"\"activation\"",
    b"\"change\"",
    b"\"storage\"",
    b"\"code\"",
    b"\"balance\"",
    b"\"nonce\"",
];

fn genesis(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match Genesis::from_json(text) {
        Ok(genesis) => {
            let again = Genesis::from_json(&genesis.to_json()).expect("what is written reads");
            assert_eq!(again.config.hash(), genesis.config.hash());
            match (genesis.block(), again.block()) {
                (Ok(first), Ok(second)) => {
                    assert_eq!(first.rollup_id(), second.rollup_id());
                    assert_eq!(first.header.hash_slow(), first.rollup_id());
                }
                (Err(_), Err(_)) => {}
                (first, second) => panic!("{first:?} and {second:?}"),
            }
        }
        Err(error) => coded(&error),
    }
}

fn coded(error: &(impl LayerError + std::fmt::Display)) {
    assert!(error.code().starts_with("RW-"), "{}", error.code());
    assert!(!error.to_string().is_empty());
}

fn rollup(input: &[u8]) {
    let Ok(config) = serde_json::from_slice::<RollupConfig>(input) else {
        return;
    };
    let bytes = borsh::to_vec(&config).expect("encodes");
    // The engine encodes its own rules.
    let encoded = RollupConfig {
        eips: Default::default(),
        precompiles: Vec::new(),
        ..config.clone()
    };
    assert_eq!(
        borsh::from_slice::<RollupConfig>(&bytes).expect("decodes"),
        encoded
    );
    match config.validate() {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(()) => sound(&config, Vec::new()),
    }
}

/// What valid rules promise, at ordinals at and around every edge.
fn sound(config: &RollupConfig, amendments: Vec<Amendment>) {
    let digest = B256::repeat_byte(2);
    let Ok(rules) = Rules::new(B256::repeat_byte(1), digest, config.clone(), amendments) else {
        return;
    };
    let edges = rules
        .config()
        .keys
        .iter()
        .map(|entry| entry.from)
        .chain(rules.config().gas_limit.iter().map(|entry| entry.from))
        .chain(
            rules
                .amendments()
                .iter()
                .map(|amendment| amendment.activation),
        )
        .flat_map(|at| [at.0.saturating_sub(1), at.0, at.0.saturating_add(1)])
        .chain([0, u64::MAX]);
    for ordinal in edges.map(DaOrdinal) {
        let set = rules.at(ordinal);
        assert!(!set.keys.is_empty() && set.key_entry <= ordinal);
        assert!(set.key_capacity() > 0);
        assert!(set.codec_limits().max_blocks > 0);
        let epoch = rules.epoch_at(ordinal);
        assert!(epoch.begins <= ordinal);
        let next = rules.epochs().get(epoch.index as usize + 1);
        assert!(next.is_none_or(|next| next.begins > ordinal));
        let _ = (rules.deadline(ordinal), set.forced_budget());
    }
    let _ = config.longest_forced_wait();
}

fn amendments(input: &[u8]) {
    let Ok(list) = serde_json::from_slice::<Vec<Amendment>>(input) else {
        return;
    };
    let bytes = borsh::to_vec(&list).expect("encodes");
    assert_eq!(
        borsh::from_slice::<Vec<Amendment>>(&bytes).expect("decodes"),
        list
    );
    sound(&seeds::rollup(), list);
}

fn toml(input: &[u8]) {
    thread_local! {
        static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
    }
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a folder"));
        let path = folder.path().join("rollup.toml");
        fs::write(&path, input).expect("written");
        let layers = Layers {
            file: Some(path.clone()),
            environment: false,
            flags: Vec::new(),
        };
        match layers.load() {
            Ok(loaded) => {
                assert_eq!(loaded.file(), Some(path.as_path()));
                let _ = (loaded.origin("chain.id"), loaded.value("rpc.listen"));
                let _ = loaded.path(&loaded.values.chain.data_dir);
            }
            Err(error) => coded(&error),
        }
    });
}
