//! The embedded devnet, as the unmodified client of celestia-rpc sees it.
#![cfg(feature = "devnet")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use celestia_rpc::{
    BlobClient, BlobstreamClient, Client, HeaderClient, ShareClient, StateClient, TxConfig,
    share::SampleCoordinates,
};
use celestia_types::{
    Blob, Commitment, DataAvailabilityHeader, ExtendedHeader, MerkleProof,
    namespace_data::NamespaceDataId, nmt::Namespace, sample::SampleId,
};
use common::{TestClock, manual, start};
use futures_util::StreamExt;
use jsonrpsee::core::{ClientError, client::ClientT};
use jsonrpsee::rpc_params;
use rollwright_da_celestia::{
    CelestiaError, GasPrice, blobstream, classify,
    devnet::{CelestiaDevnet, DevnetConfig, DevnetHandle, Fault},
};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;

fn namespace(n: u8) -> Namespace {
    Namespace::new_v0(&[0xee, n]).unwrap()
}

fn blob(n: u8, bytes: usize) -> Blob {
    Blob::new(namespace(n), vec![n; bytes], None).unwrap()
}

async fn client(url: &str) -> Client {
    Client::new(url, None, None, Some(Duration::from_secs(60)))
        .await
        .unwrap()
}

/// Submits and makes a block once the transaction waits.
async fn post(devnet: &DevnetHandle, client: &Client, blobs: &[Blob]) -> u64 {
    let mut mempool = devnet.mempool();
    let waiting = *mempool.borrow_and_update();
    let (height, _) = tokio::join!(client.blob_submit(blobs, TxConfig::default()), async {
        mempool.wait_for(|now| *now > waiting).await.unwrap();
        devnet.mine(1).await.unwrap();
    });
    height.unwrap()
}

async fn every_method(devnet: &DevnetHandle, client: &Client) {
    let blobs = [blob(1, 700), blob(3, 9_000), blob(3, 5_000)];
    let height = post(devnet, client, &blobs).await;
    assert_eq!(height, devnet.head());

    // header
    let header = client.header_get_by_height(height).await.unwrap();
    header.validate().unwrap();
    assert_eq!(
        client.header_get_by_hash(header.hash()).await.unwrap(),
        header
    );
    assert_eq!(client.header_local_head().await.unwrap(), header);
    assert_eq!(client.header_network_head().await.unwrap(), header);
    assert_eq!(client.header_wait_for_height(height).await.unwrap(), header);
    let first = client.header_get_by_height(1).await.unwrap();
    let range = client
        .header_get_range_by_height(first.clone(), height + 1)
        .await
        .unwrap();
    assert_eq!(range.last(), Some(&header));
    first.verify_adjacent_range(&range).unwrap();
    let state = client.header_sync_state().await.unwrap();
    assert_eq!((state.height, state.to_hash), (height, header.hash()));
    client.header_sync_wait().await.unwrap();

    // blob
    let found = client
        .blob_get(height, namespace(3), blobs[2].commitment)
        .await
        .unwrap();
    assert_eq!(found.data, blobs[2].data);
    found.validate().unwrap();
    let all = client
        .blob_get_all(height, &[namespace(1), namespace(3)])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        all.iter().map(|blob| &blob.data).collect::<Vec<_>>(),
        blobs.iter().map(|blob| &blob.data).collect::<Vec<_>>()
    );
    assert_eq!(
        client.blob_get_all(height, &[namespace(2)]).await.unwrap(),
        None
    );
    let proofs = client
        .blob_get_proof(height, namespace(3), blobs[1].commitment)
        .await
        .unwrap();
    assert!(proofs.len() > 1, "a proof for each row");
    let included: bool = client
        .request(
            "blob.Included",
            rpc_params![height, namespace(3), proofs.clone(), blobs[1].commitment],
        )
        .await
        .unwrap();
    assert!(included);
    // The client's own form has a single proof.
    let single = client
        .blob_get_proof(height, namespace(1), blobs[0].commitment)
        .await
        .unwrap();
    assert!(
        client
            .blob_included(height, namespace(1), &single[0], blobs[0].commitment)
            .await
            .unwrap()
    );
    let refusal = client
        .blob_included(height, namespace(1), &proofs[0], blobs[0].commitment)
        .await
        .unwrap_err();
    assert!(refusal.to_string().contains("blob: invalid proof"));

    // share
    let square = client.share_get_eds(height).await.unwrap();
    assert_eq!(DataAvailabilityHeader::from_eds(&square), header.dah);
    let width = square.square_width();
    // The index counts in the extended square, ranges in the original one.
    let index = u64::from(width) / 2 * (found.index.unwrap() / u64::from(width))
        + found.index.unwrap() % u64::from(width);
    let end = index + found.shares_len() as u64;
    let part = client.share_get_range(height, index, end).await.unwrap();
    part.proof
        .verify_range(header.dah.hash(), index..end)
        .unwrap();
    assert_eq!(part.shares, found.to_shares().unwrap());
    let data = client
        .share_get_namespace_data(height, namespace(3))
        .await
        .unwrap();
    data.verify(
        NamespaceDataId::new(namespace(3), height).unwrap(),
        &header.dah,
    )
    .unwrap();
    let places = [
        (0, 0),
        (1, width - 1),
        (width - 1, 0),
        (width - 1, width - 1),
    ];
    let samples = client
        .share_get_samples(
            height,
            places.map(|(row, column)| SampleCoordinates::new(row, column)),
        )
        .await
        .unwrap();
    assert_eq!(samples.len(), places.len());
    for ((row, column), sample) in places.into_iter().zip(samples) {
        sample
            .verify(SampleId::new(row, column, height).unwrap(), &header.dah)
            .unwrap();
    }
    let row = client.share_get_row(height, width, 1).await.unwrap();
    assert_eq!(row.shares, square.row(1).unwrap());
    let share = client
        .share_get_share(height, width, 1, width - 1)
        .await
        .unwrap();
    assert_eq!(share, row.shares[usize::from(width) - 1]);
    client.share_shares_available(height).await.unwrap();

    // state
    let address = client.state_account_address().await.unwrap();
    assert_eq!(address.to_string(), devnet.address());
    assert_eq!(
        client.state_balance().await.unwrap().amount(),
        devnet.balance()
    );
    assert_eq!(
        client
            .state_balance_for_address(address)
            .await
            .unwrap()
            .amount(),
        devnet.balance()
    );
    assert!(!client.state_is_stopped().await.unwrap());

    // blobstream
    let root = client
        .blobstream_get_data_root_tuple_root(1, height + 1)
        .await
        .unwrap();
    let tuples: Vec<_> = std::iter::once(&first)
        .chain(&range)
        .map(|header| {
            blobstream::tuple(
                header.height(),
                header.dah.hash().as_bytes().try_into().unwrap(),
            )
        })
        .collect();
    assert_eq!(root.as_bytes(), blobstream::root(&tuples).as_slice());
    let proof: MerkleProof = client
        .blobstream_get_data_root_tuple_inclusion_proof(height, 1, height + 1)
        .await
        .unwrap();
    proof
        .verify(tuples.last().unwrap(), root.as_bytes().try_into().unwrap())
        .unwrap();

    // What is not there is said to be unknown.
    let unknown = client
        .request::<u64, _>("das.SamplingStats", rpc_params![])
        .await
        .unwrap_err();
    assert!(matches!(unknown, ClientError::Call(error) if error.code() == -32601));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_answers_the_unmodified_client() {
    let devnet = start(manual(None), TestClock::new()).await;
    for url in [devnet.url(), devnet.ws_url()] {
        every_method(&devnet, &client(&url).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submissions_of_one_block_share_its_height_and_pay() {
    let devnet = start(manual(None), TestClock::new()).await;
    let client = client(&devnet.url()).await;
    let before = devnet.balance();
    let mut mempool = devnet.mempool();
    let (one, two) = ([blob(1, 500)], [blob(2, 600), blob(1, 400)]);
    let price = || {
        TxConfig::default()
            .with_gas_price(0.01)
            .with_max_gas_price(0.02)
    };
    let (a, b, ()) = tokio::join!(
        client.blob_submit(&one, price()),
        client.blob_submit(&two, price()),
        async {
            mempool.wait_for(|waiting| *waiting == 2).await.unwrap();
            devnet.mine(1).await.unwrap();
        }
    );
    assert_eq!(a.unwrap(), b.unwrap());
    let price: GasPrice = "0.01".parse().unwrap();
    let gas = rollwright_da_celestia::gas_of([500]);
    let more = rollwright_da_celestia::gas_of([600, 400]);
    assert_eq!(
        u128::from(before - devnet.balance()),
        price.fee(gas) + price.fee(more)
    );
}

async fn refusal<T>(answer: impl Future<Output = Result<T, ClientError>>) -> CelestiaError {
    let Err(error) = answer.await else {
        panic!("not refused");
    };
    classify("node", &error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heights_are_served_by_the_rules_of_celestia_node() {
    let devnet = start(manual(None), TestClock::new()).await;
    let client = client(&devnet.url()).await;
    devnet.mine(9).await.unwrap();
    let ahead = refusal(client.header_get_by_height(12)).await;
    assert!(
        matches!(
            ahead,
            CelestiaError::HeightAhead {
                head: 10,
                requested: 12
            }
        ),
        "{ahead}"
    );
    assert!(client.header_get_by_height(0).await.is_err());
    // The next one is waited for.
    let (header, _) = tokio::join!(client.header_get_by_height(11), async {
        tokio::task::yield_now().await;
        devnet.mine(1).await.unwrap();
    });
    assert_eq!(header.unwrap().height(), 11);
    devnet.prune(5).unwrap();
    let pruned = refusal(client.header_get_by_height(4)).await;
    assert!(
        matches!(
            pruned,
            CelestiaError::HeightPruned {
                tail: 5,
                requested: 4
            }
        ),
        "{pruned}"
    );
    let missing = refusal(client.blob_get(7, namespace(1), Commitment::new([0; 32]))).await;
    assert!(matches!(missing, CelestiaError::NoBlob), "{missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submissions_are_refused_in_the_nodes_words() {
    let devnet = start(manual(None), TestClock::new()).await;
    let client = client(&devnet.url()).await;
    let one = [blob(1, 500)];
    let low = TxConfig::default().with_gas_price(0.000_1);
    let error = refusal(client.blob_submit(&one, low)).await;
    let gas = rollwright_da_celestia::gas_of([500]);
    let required = u64::try_from(GasPrice::NODE_DEFAULT.fee(gas)).unwrap();
    assert!(
        matches!(error, CelestiaError::FeeTooLow { required_utia } if required_utia == required),
        "{error}"
    );

    let capped = TxConfig::default().with_max_gas_price(0.001);
    let error = refusal(client.blob_submit(&one, capped)).await;
    assert!(
        matches!(error, CelestiaError::FeeCapReached { cap } if cap.micro() == 1_000),
        "{error}"
    );

    devnet.set_max_tx_bytes(400);
    let error = refusal(client.blob_submit(&one, TxConfig::default())).await;
    assert!(
        matches!(error, CelestiaError::TooLarge { max_bytes: 400, .. }),
        "{error}"
    );
    devnet.set_max_tx_bytes(8 << 20);

    devnet.set_balance(7).unwrap();
    let error = refusal(client.blob_submit(&one, TxConfig::default())).await;
    assert!(
        matches!(&error, CelestiaError::OutOfFunds { address } if *address == devnet.address()),
        "{error}"
    );

    for bad in [vec![], vec![blob(1, 0)]] {
        assert!(client.blob_submit(&bad, TxConfig::default()).await.is_err());
    }
    assert_eq!(*devnet.mempool().borrow(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_strike_as_often_as_they_were_asked_to() {
    let devnet = start(manual(None), TestClock::new()).await;
    let client = client(&devnet.url()).await;
    devnet.fault(
        "header.LocalHead",
        Fault::Error("share: data not available".into()),
        2,
    );
    for _ in 0..2 {
        let error = refusal(client.header_local_head()).await;
        assert!(matches!(error, CelestiaError::NotAvailable));
    }
    for fault in [
        Fault::Status(502),
        Fault::Garbage("<html>".into()),
        Fault::Cut,
    ] {
        devnet.fault("header.LocalHead", fault.clone(), 1);
        let error = refusal(client.header_local_head()).await;
        assert!(
            matches!(error, CelestiaError::Transport { .. }),
            "{fault:?}: {error:?}"
        );
    }
    devnet.fault("header.LocalHead", Fault::Status(413), 1);
    assert!(matches!(
        refusal(client.header_local_head()).await,
        CelestiaError::TooLarge { .. }
    ));
    client.header_local_head().await.unwrap();

    // Never taken into a block: dropped at the end of its lifetime.
    devnet.withhold(true);
    let mut mempool = devnet.mempool();
    let one = [blob(1, 500)];
    let (answer, ()) = tokio::join!(client.blob_submit(&one, TxConfig::default()), async {
        mempool.wait_for(|waiting| *waiting == 1).await.unwrap();
        devnet.mine(37).await.unwrap();
    });
    let error = classify("node", &answer.unwrap_err());
    assert!(
        matches!(error, CelestiaError::Evicted { ref hash } if hash.len() == 64),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_get_every_height_once_and_in_order() {
    let devnet = start(manual(None), TestClock::new()).await;
    let ws = client(&devnet.ws_url()).await;
    let http = client(&devnet.url()).await;
    let mut headers = ws.header_subscribe();
    let mut blobs = ws.blob_subscribe(namespace(1));
    // The first poll subscribes; only then is a block made.
    let feed = async {
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let (header, at) = tokio::join!(headers.next(), blobs.next());
            let header: ExtendedHeader = header.unwrap().unwrap();
            seen.push((header.height(), at.unwrap().unwrap()));
        }
        seen
    };
    let make = async {
        // Both subscriptions are in force once they answered a call that
        // came after them on the same connection.
        ws.header_local_head().await.unwrap();
        ws.header_local_head().await.unwrap();
        ws.header_local_head().await.unwrap();
        post(&devnet, &http, &[blob(1, 300)]).await;
        devnet.mine(4).await.unwrap();
    };
    let (seen, ()) = tokio::join!(feed, make);
    assert!(seen.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1));
    for (height, at) in &seen {
        assert_eq!(at.height, *height);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("celestia.redb");
    let config = || manual(Some(&path));
    let devnet = start(config(), TestClock::new()).await;
    let node = client(&devnet.url()).await;
    let one = [blob(1, 3_000)];
    let height = post(&devnet, &node, &one).await;
    devnet.mine(2).await.unwrap();
    let (head, balance) = (devnet.head(), devnet.balance());
    let before = node.header_get_by_height(head).await.unwrap();
    drop(node);
    devnet.stop().await;

    let devnet = start(config(), TestClock::new()).await;
    assert_eq!((devnet.head(), devnet.balance()), (head, balance));
    let node = client(&devnet.url()).await;
    assert_eq!(node.header_get_by_height(head).await.unwrap(), before);
    let found = node
        .blob_get(height, namespace(1), one[0].commitment)
        .await
        .unwrap();
    assert_eq!(found.data, one[0].data);
    devnet.mine(1).await.unwrap();
    let next = node.header_get_by_height(head + 1).await.unwrap();
    before.verify_adjacent(&next).unwrap();
    post(&devnet, &node, &one).await;
    drop(node);
    devnet.stop().await;

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = DevnetConfig {
        seed: 9,
        ..config()
    };
    let error = CelestiaDevnet::start(other, TestClock::new(), listener)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("seed 0"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_asked_for() {
    let config = DevnetConfig {
        read_token: Some("reader".into()),
        write_token: Some("writer".into()),
        ..manual(None)
    };
    let devnet = start(config, TestClock::new()).await;
    let with = |token: Option<&'static str>| {
        let url = devnet.url();
        async move { Client::new(&url, token, None, None).await.unwrap() }
    };
    for token in [None, Some("guess")] {
        let error = refusal(with(token).await.header_local_head()).await;
        assert!(matches!(error, CelestiaError::TokenScope), "{error:?}");
    }
    let reader = with(Some("reader")).await;
    reader.header_local_head().await.unwrap();
    let error = refusal(reader.blob_submit(&[blob(1, 10)], TxConfig::default())).await;
    assert!(matches!(error, CelestiaError::TokenScope), "{error:?}");
    post(&devnet, &with(Some("writer")).await, &[blob(1, 10)]).await;
}
