use rollwright::{
    core::{B256, DaBlock, DaHeader, PostedBlob},
    derive::{Envelope, Part, WireBlob, parse_blob},
};
use serde_json::{Value, json};

/// One blob, or one empty block, as people and programs read it.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) data: Value,
}

/// Our blobs of one DA block, decoded as far as that goes without a key
/// schedule. A block without any gives no line.
pub(super) fn lines(block: &DaBlock, rollup_id: B256) -> Vec<Line> {
    block
        .blobs
        .iter()
        .map(|blob| line(&block.header, blob, rollup_id))
        .collect()
}

fn line(header: &DaHeader, blob: &PostedBlob, rollup_id: B256) -> Line {
    let place = format!("{:>8} #{:<3}", header.height, blob.reference.index);
    let bytes = blob.data.len();
    let (text, what) = match parse_blob(&blob.data, &rollup_id) {
        Ok(WireBlob::Part(part)) => part_line(&part),
        Ok(WireBlob::Forced(forced)) => {
            let count = forced.transactions().count();
            (
                format!("forced    {count} transactions"),
                json!({ "kind": "forced", "transactions": count }),
            )
        }
        Err(error) => (
            format!("dropped   {error}"),
            json!({ "kind": "dropped", "reason": error.to_string() }),
        ),
    };
    let mut data = json!({
        "height": header.height, "hash": header.hash, "time": header.time, "index": blob.reference.index,
        "commitment": blob.reference.commitment, "bytes": bytes,
    });
    if let (Some(data), Some(what)) = (data.as_object_mut(), what.as_object()) {
        data.extend(what.clone());
    }
    Line {
        text: format!("{place} {text}  {bytes} bytes"),
        data,
    }
}

fn part_line(part: &Part) -> (String, Value) {
    let claim = &part.claim;
    let mut text = format!(
        "batch {:<4} part {}/{}",
        claim.number,
        claim.index.saturating_add(1),
        claim.count
    );
    let mut data = json!({
        "kind": "part", "batch": claim.number, "batchId": claim.batch_id, "attempt": claim.attempt,
        "part": claim.index, "parts": claim.count,
    });
    // A batch of one part is all there.
    if claim.count == 1
        && let Ok(envelope) = Envelope::decode(&part.piece)
    {
        let last = envelope
            .first_block
            .saturating_add(u64::from(envelope.blocks))
            .saturating_sub(1);
        text.push_str(&format!(
            "  blocks {}-{last}  {} transactions  codec {}",
            envelope.first_block, envelope.transactions, envelope.codec.0
        ));
        if let Some(data) = data.as_object_mut() {
            data.insert("firstBlock".to_owned(), envelope.first_block.into());
            data.insert("lastBlock".to_owned(), last.into());
            data.insert("transactions".to_owned(), envelope.transactions.into());
        }
    }
    (text, data)
}
