use super::*;
use crate::{ChainStore as _, ErrorKind, RecordChange};

pub(super) async fn records_commit_with_heads<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.build(&chain.genesis, 0, 1).await?;
    let heads = Heads {
        latest: built.executed.block,
        ..Heads::all(chain.genesis)
    };
    let put = RecordChange::put(b"cursor".to_vec(), b"1".to_vec());
    chain.engine.set_heads(&heads, &[put]).await?;
    drop(chain);
    let engine = h.open().await;
    ensure(engine.heads()? == heads, "the heads are lost")?;
    ensure(
        engine.record(b"cursor")? == Some(Bytes::from_static(b"1")),
        "the record is lost",
    )?;
    let delete = RecordChange::delete(b"cursor".to_vec());
    engine.set_heads(&heads, &[delete]).await?;
    ensure(
        engine.record(b"cursor")?.is_none(),
        "the record was not deleted with unchanged heads",
    )
}

pub(super) async fn records_of_a_failed_commit_are_not_written<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let unknown = BlockRef {
        number: 1,
        hash: keccak256("unknown"),
    };
    let heads = Heads {
        latest: unknown,
        ..Heads::all(chain.genesis)
    };
    let put = RecordChange::put(b"half".to_vec(), b"1".to_vec());
    ensure_kind(
        chain.engine.set_heads(&heads, &[put]).await,
        ErrorKind::Rejected,
        "set_heads",
    )?;
    ensure(
        chain.engine.record(b"half")?.is_none(),
        "a record was written",
    )
}

pub(super) async fn records_are_listed_by_prefix_in_order<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let engine = &chain.engine;
    let changes: Vec<RecordChange> = ["b/2", "a/9", "b/1", "b/3", "c", "b", "b0"]
        .iter()
        .map(|key| RecordChange::put(key.as_bytes().to_vec(), key.as_bytes().to_vec()))
        .collect();
    engine.put_records(&changes)?;
    let list = |prefix: &str, from: &str, limit| -> Result<Vec<String>, Stop> {
        let records = engine.records(prefix.as_bytes(), from.as_bytes(), limit)?;
        Ok(records
            .into_iter()
            .filter(|(key, value)| key == value)
            .map(|(key, _)| String::from_utf8_lossy(&key).into_owned())
            .collect())
    };
    for (prefix, from, limit, wanted) in [
        ("b/", "", 10, &["b/1", "b/2", "b/3"][..]),
        ("b/", "b/2", 10, &["b/2", "b/3"]),
        ("b/", "b/15", 10, &["b/2", "b/3"]),
        ("b/", "", 2, &["b/1", "b/2"]),
        ("b/", "c", 10, &[]),
        ("b/", "a", 10, &["b/1", "b/2", "b/3"]),
        ("b/", "", 0, &[]),
        ("d", "", 10, &[]),
        ("b", "", 10, &["b", "b/1", "b/2", "b/3", "b0"]),
    ] {
        let found = list(prefix, from, limit)?;
        ensure(
            found == wanted,
            format!("records({prefix:?}, {from:?}, {limit}) are {found:?}"),
        )?;
    }
    engine.put_records(&[
        RecordChange::delete(b"b/2".to_vec()),
        RecordChange::delete(b"never there".to_vec()),
        RecordChange::put(b"b/3".to_vec(), Bytes::new()),
    ])?;
    ensure(list("b/2", "", 1)?.is_empty(), "a deleted record is listed")?;
    ensure(
        engine.record(b"b/3")? == Some(Bytes::new()),
        "an empty value is not told from none",
    )
}

pub(super) async fn records_survive_a_restart<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let put = RecordChange::put(b"journal/1".to_vec(), vec![7; 10_000]);
    chain.engine.put_records(&[put])?;
    drop(chain);
    let engine = h.open().await;
    ensure(
        engine.record(b"journal/1")? == Some(vec![7; 10_000].into()),
        "the record is lost",
    )
}
