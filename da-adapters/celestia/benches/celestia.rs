//! Squares, their extension and roots, proofs, and reading from the embedded
//! network with every proof verified.
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use celestia_types::{Blob, Commitment, hash::Hash, namespace_data::NamespaceData, nmt::Namespace};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollwright_core::{Clock, DaHeight, DataAvailability};
use rollwright_da_celestia::{
    CelestiaConfig, CelestiaDa,
    devnet::{
        BlobUnit, BlockProduction, CelestiaDevnet, DevnetConfig, DevnetHandle, ExtendedSquare,
        Square, SquareBuilder,
    },
    onchain::SharesProof,
    parse_namespace,
    sampling::{Place, SampleSecret, draw},
};
use std::{future::Future, hint::black_box, pin::Pin, sync::Arc, time::Duration};

/// Bytes of data of the squares: two megabytes and eight, as wide as they get.
const SIZES: [(u16, usize); 2] = [(64, 1_900_000), (128, 7_700_000)];

fn namespace() -> Namespace {
    parse_namespace("gizmo").unwrap()
}

/// A unit with ten blobs.
fn unit(bytes: usize) -> BlobUnit {
    let blob = |at: usize| {
        let data = (0..bytes / 10).map(|byte| (byte * 31 + at) as u8).collect();
        Blob::new(namespace(), data, None).unwrap()
    };
    BlobUnit {
        tx: vec![1; 300],
        blobs: (0..10).map(blob).collect(),
    }
}

fn build(unit: &BlobUnit) -> Square {
    let mut builder = SquareBuilder::new(128);
    assert!(builder.push(unit.clone()));
    builder.build()
}

fn squares(c: &mut Criterion) {
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let mut group = c.benchmark_group("celestia");
    group.sample_size(10);
    for (width, bytes) in SIZES {
        let unit = unit(bytes);
        let square = build(&unit);
        assert_eq!(square.width(), width);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("layout/width={width}"), |b| {
            b.iter(|| build(black_box(&unit)));
        });
        let all = |unit: &BlobUnit| ExtendedSquare::new(&build(unit)).unwrap().dah().hash();
        group.bench_function(format!("square/width={width}"), |b| {
            b.iter(|| all(black_box(&unit)));
        });
        group.bench_function(format!("square/width={width},threads=1"), |b| {
            b.iter(|| single.install(|| all(black_box(&unit))));
        });
    }
    for bytes in [100_000, 1_000_000] {
        let data = vec![7; bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("commitment/bytes={bytes}"), |b| {
            b.iter(|| Commitment::from_blob(namespace(), black_box(&data), 0, None).unwrap());
        });
    }
    group.finish();
}

fn proofs(c: &mut Criterion) {
    let mut group = c.benchmark_group("celestia");
    group.sample_size(20);
    for (width, bytes) in SIZES {
        let square = build(&unit(bytes));
        let starts = square.starts()[0].clone();
        let extended = ExtendedSquare::new(&square).unwrap();
        let Hash::Sha256(root) = extended.dah().hash() else {
            return;
        };
        // A thousand shares of the second blob, or all of it.
        let start = u64::from(starts[1]);
        let end = start + 1_000.min(bytes as u64 / 10 / 482);
        let shares = (end - start) * 512;
        group.throughput(Throughput::Bytes(shares));
        group.bench_function(
            format!("prove_shares/width={width},shares={}", end - start),
            |b| {
                b.iter(|| extended.share_proof(black_box(start..end)).unwrap());
            },
        );
        let proof = extended.share_proof(start..end).unwrap();
        group.bench_function(
            format!("verify_shares/width={width},shares={}", end - start),
            |b| {
                b.iter(|| proof.verify(black_box(Hash::Sha256(root))).unwrap());
            },
        );
        let ours = SharesProof::from_share_proof(root.into(), &proof).unwrap();
        let data = proof.shares().concat();
        group.bench_function(
            format!("verify_onchain/width={width},shares={}", end - start),
            |b| {
                b.iter(|| {
                    ours.verify_shares(root.into(), namespace(), black_box(&data))
                        .unwrap()
                });
            },
        );
        let rows = extended.namespace_data(namespace());
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("namespace_data/rows={}", rows.len()), |b| {
            b.iter(|| black_box(extended.namespace_data(namespace())));
        });
        let data = NamespaceData::new(rows.clone());
        group.bench_function(format!("verify_namespace_data/rows={}", rows.len()), |b| {
            b.iter(|| {
                data.verify(
                    celestia_types::namespace_data::NamespaceDataId::new(namespace(), 1).unwrap(),
                    black_box(extended.dah()),
                )
                .unwrap();
            });
        });
        let places = draw(&SampleSecret::new([1; 32]), 1, width * 2, 16);
        let sample = |place: &Place| {
            let (row, column) = (place.row.into(), place.column.into());
            extended.sample(row, column).unwrap()
        };
        group.throughput(Throughput::Elements(16));
        group.bench_function(format!("sample/width={width},samples=16"), |b| {
            b.iter(|| places.iter().map(sample).collect::<Vec<_>>());
        });
    }
    group.finish();
}

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "a bench measures the wall")]
    fn now_ms(&self) -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.as_millis() as u64)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A network with blocks full of the rollup's blobs; their heights.
async fn filled(blocks: usize) -> (DevnetHandle, Vec<u64>) {
    use celestia_rpc::{BlobClient, Client, TxConfig};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = DevnetConfig {
        blocks: BlockProduction::Manual,
        ..DevnetConfig::new("bench")
    };
    let devnet = CelestiaDevnet::start(config, Arc::new(WallClock), listener)
        .await
        .unwrap();
    let mut heights = Vec::new();
    for _ in 0..blocks {
        let client = Client::new(&devnet.url(), None, None, Some(Duration::from_secs(120)))
            .await
            .unwrap();
        let mut mempool = devnet.mempool();
        let posted = tokio::spawn(async move {
            let blobs = unit(7_000_000).blobs;
            client
                .blob_submit(&blobs, TxConfig::default())
                .await
                .unwrap()
        });
        mempool.wait_for(|waiting| *waiting > 0).await.unwrap();
        devnet.mine(1).await.unwrap();
        heights.push(posted.await.unwrap());
    }
    (devnet, heights)
}

fn reading(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (devnet, heights) = runtime.block_on(filled(3));
    let mut group = c.benchmark_group("celestia");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(7_000_000 * heights.len() as u64));
    group.bench_function("read/bytes=21000000", |b| {
        b.iter(|| {
            runtime.block_on(async {
                // A new handle knows nothing: headers, rows and proofs are
                // fetched and verified again.
                let config = CelestiaConfig::new(vec![devnet.url()], "bench", namespace());
                let da = CelestiaDa::open(config, Arc::new(WallClock)).unwrap();
                da.head().await.unwrap();
                let mut bytes = 0;
                for height in &heights {
                    let block = da.fetch(DaHeight(*height), None).await.unwrap();
                    bytes += block
                        .blobs
                        .iter()
                        .map(|blob| blob.data.len())
                        .sum::<usize>();
                }
                assert_eq!(bytes, 7_000_000 * heights.len());
            });
        });
    });
    group.finish();
}

criterion_group!(benches, squares, proofs, reading);
criterion_main!(benches);
