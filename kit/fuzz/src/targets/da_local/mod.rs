//! The embedded DA layer: proofs, names, its server, its client.

mod client;
mod server;

pub(super) use client::CLIENT;
pub(super) use server::SERVER;

use crate::{Memory, Seed, Target};
use alloy_primitives::{B128, B256, Bytes};
use rollwright_core::{
    Blob, Clock, DaBlock, DaClaim, DaHeader, DaLane, DataAvailability as _, LayerError,
    ManualClock, PostingUnit, Proof,
};
use rollwright_da_local::{
    BlockProduction, Faults, LocalDa, LocalDaConfig, Namespace, NetworkId, verify, verify_header,
};
use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::runtime::Runtime;

/// Claims about a block, with proofs.
pub(super) const PROOF: Target = Target {
    name: "da-proof",
    about: "A claim that is proved against a true header is a true one.",
    run: proof,
    seeds: || {
        let claims = layer().claims.iter();
        claims
            .map(|(name, claim)| Seed::new(*name, borsh::to_vec(claim).expect("encodes")))
            .collect()
    },
    max_len: 4 << 10,
    memory: Memory::BORSH,
    words: &[],
};

/// Spellings of a namespace.
pub(super) const NAMESPACE: Target = Target {
    name: "da-namespace",
    about: "A spelling is refused with a code, or names a namespace that its own spelling names.",
    run: namespace,
    seeds: || {
        vec![
            Seed::new("name", b"my-rollup_1.0".to_vec()),
            Seed::new("hex", format!("0x{}", "ab".repeat(32)).into_bytes()),
        ]
    },
    max_len: 128,
    memory: Memory::SMALL,
    words: &[b"0x", b"-", b"_", b"."],
};

/// Faults that an operator asks for.
pub(super) const FAULTS: Target = Target {
    name: "da-faults",
    about: "A list of faults is refused with a code, or reads again as what it was.",
    run: |input| {
        let Ok(text) = std::str::from_utf8(input) else {
            return;
        };
        match text.parse::<Faults>() {
            Ok(faults) => assert_eq!(faults.to_string().parse::<Faults>().ok(), Some(faults)),
            Err(error) => {
                assert!(error.code().starts_with("RW-"));
                assert!(error.to_string().len() < 1_024, "what is quoted is bounded");
            }
        }
    },
    seeds: || {
        let all = "latency=50ms..2s,refuse=5%,prune=100,reorg=3@2.5%,lose=10%,shuffle";
        vec![Seed::new("all", all), Seed::new("none", "none")]
    },
    max_len: 128,
    memory: Memory::SMALL,
    words: &[
        b"latency=",
        b"refuse=",
        b"prune=",
        b"reorg=",
        b"lose=",
        b"shuffle",
        b"ms",
        b"%",
        b"@",
        b"..",
    ],
};

type Claimed = (DaHeader, DaClaim, Proof);

/// A layer with three blocks, in memory.
#[derive(Debug)]
struct Layer {
    da: LocalDa,
    network: NetworkId,
    namespace: Namespace,
    blocks: Vec<DaBlock>,
    claims: Vec<(&'static str, Claimed)>,
}

/// The layer of all targets, in memory or in a file.
pub(super) fn open(
    path: Option<PathBuf>,
) -> Result<(LocalDa, Namespace), rollwright_da_local::Error> {
    let namespace = Namespace::new("rollup")?;
    let config = LocalDaConfig {
        path,
        network: Some(NetworkId(B128::repeat_byte(5))),
        blocks: BlockProduction::Manual(Duration::from_secs(2)),
        max_blob_bytes: 64 << 10,
        max_block_bytes: 256 << 10,
        max_pending_bytes: 256 << 10,
        genesis_time: Some(1_700_000_000),
        ..LocalDaConfig::new(namespace)
    };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_700_000_000_000));
    Ok((LocalDa::open(config, clock)?, namespace))
}

/// Runs to the end on the thread's own runtime.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// The layer's blocks.
pub(super) fn blocks() -> &'static [DaBlock] {
    &layer().blocks
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    })
}

pub(super) fn unit(data: &[&[u8]]) -> PostingUnit {
    let blobs = data.iter().map(|data| Blob {
        lane: DaLane::Batch,
        data: Bytes::copy_from_slice(data),
    });
    PostingUnit::new(B256::repeat_byte(3), blobs.collect())
}

fn layer() -> &'static Layer {
    static LAYER: OnceLock<Layer> = OnceLock::new();
    LAYER.get_or_init(|| runtime().block_on(made()).expect("a layer"))
}

/// Makes the layer's blocks.
pub(super) async fn fill(da: &LocalDa) -> Result<Vec<DaBlock>, rollwright_da_local::Error> {
    let mut blocks = Vec::new();
    for data in [&[][..], &[&b"one"[..], b"two"][..], &[&b"three"[..]][..]] {
        if !data.is_empty() {
            da.submit(&unit(data)).await?;
        }
        let header = da.seal().await?;
        blocks.push(da.fetch(header.height, None).await?);
    }
    Ok(blocks)
}

async fn made() -> Result<Layer, rollwright_da_local::Error> {
    let (da, namespace) = open(None)?;
    let network = da.network();
    let blocks = fill(&da).await?;
    let other = da.for_namespace(Namespace::new("other")?);
    let mut claims = Vec::new();
    for (block, name) in blocks.iter().zip(["nothing", "two-blobs", "one-blob"]) {
        let claim = DaClaim::Complete {
            blobs: block.blobs.clone(),
        };
        claims.push((name, (block.header, claim, block.completeness.clone())));
    }
    let blob = blocks[1].blobs[1].clone();
    let included = DaClaim::Included {
        reference: blob.reference,
        lane: blob.lane,
        data: blob.data.clone(),
    };
    claims.push((
        "included",
        (blocks[1].header, included, da.prove(&blob.reference).await?),
    ));
    let absent = other.fetch(blocks[1].header.height, None).await?;
    assert!(absent.blobs.is_empty());
    Ok(Layer {
        da,
        network,
        namespace,
        blocks,
        claims,
    })
}

fn proof(input: &[u8]) {
    let Ok((header, claim, proof)) = borsh::from_slice::<Claimed>(input) else {
        return;
    };
    let layer = layer();
    let _ = verify_header(layer.network, &header);
    if let Err(error) = verify(layer.network, layer.namespace, &header, &claim, &proof) {
        assert!(!error.to_string().is_empty());
        return;
    }
    let Some(block) = layer.blocks.iter().find(|block| block.header == header) else {
        return;
    };
    let true_one = match &claim {
        DaClaim::Complete { blobs } => *blobs == block.blobs,
        DaClaim::Included {
            reference,
            lane,
            data,
        } => block
            .blobs
            .iter()
            .any(|blob| blob.reference == *reference && blob.lane == *lane && blob.data == *data),
    };
    assert!(true_one, "a forged claim: {claim:?}");
}

fn namespace(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match Namespace::new(text) {
        Ok(namespace) => assert_eq!(Namespace::new(&namespace.to_string()).ok(), Some(namespace)),
        Err(error) => {
            assert!(error.code().starts_with("RW-"));
            assert!(error.to_string().len() < 1_024, "what is quoted is bounded");
        }
    }
}
