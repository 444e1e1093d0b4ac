//! `rollwright da tail`

use super::{
    blob,
    epochs::{Layer, Opened},
};
use crate::{args::DaTail, failure::Failure, ui::Console};
use rollwright::{
    core::{DaHeight, DataAvailability, ErrorKind, LayerError},
    node::{EpochSpan, find_epochs},
};
use std::time::Duration;

/// Our blobs as they arrive, over all epochs from where it starts.
pub(super) async fn run(console: &Console, args: &DaTail) -> Result<(), Failure> {
    let mut opened = Opened::of(&args.target).await?;
    let follow = !args.no_follow;
    let mut at = first_epoch(&opened, args)?;
    let mut next = match (args.from, opened.spans.get(at)) {
        (Some(height), _) => DaHeight(height),
        (None, Some(span)) if follow && args.epoch.is_none() => span.newest().unwrap_or(span.first),
        (None, Some(span)) => oldest(layer(&opened, at)?, span).await?,
        (None, None) => return Err(no_epoch(at)),
    };
    let (first, mut found) = (next, false);
    loop {
        let ended = opened.spans.get(at).and_then(|span| span.last);
        if ended.is_some_and(|last| next > last) {
            opened.spans = find_epochs(opened.project.epochs(), &opened.layers).await?;
            if let Some(span) = opened.spans.get(at + 1) {
                at += 1;
                next = span.first;
                continue;
            }
            if !follow {
                return Ok(());
            }
            if stopped_within(Duration::from_secs(1)).await {
                return Ok(());
            }
            continue;
        }
        let da = layer(&opened, at)?;
        match da.fetch(next, None).await {
            Ok(block) => {
                for mut line in blob::lines(&block, opened.project.rollup_id()) {
                    found = true;
                    line.data["epoch"] = at.into();
                    console.result(&line.text, &line.data);
                }
                next = next
                    .next()
                    .ok_or_else(|| Failure::new("RW-DA-900", "the layer has no further heights"))?;
            }
            Err(error) if error.kind() == ErrorKind::NotYet && !follow => {
                if !found {
                    console.note(&nothing(first, next));
                }
                return Ok(());
            }
            Err(error) if error.is_retryable() && follow => {
                let poll = da.caps().block_time / 4;
                let poll = poll.clamp(Duration::from_millis(20), Duration::from_secs(5));
                if stopped_within(poll).await {
                    return Ok(());
                }
            }
            Err(error) => return Err(Failure::layer(&error)),
        }
    }
}

/// Waits; true where the person stopped it meanwhile.
async fn stopped_within(time: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(time) => false,
        _ = tokio::signal::ctrl_c() => true,
    }
}

/// The epoch that is named; else, without a height, the first one where
/// everything is wanted; else the present one.
fn first_epoch(opened: &Opened, args: &DaTail) -> Result<usize, Failure> {
    let present = opened.spans.len().saturating_sub(1);
    let at = match args.epoch {
        Some(epoch) => epoch as usize,
        None if args.no_follow && args.from.is_none() => 0,
        None => present,
    };
    if at > present {
        return Err(no_epoch(at));
    }
    Ok(at)
}

fn no_epoch(at: usize) -> Failure {
    Failure::usage(format!("DA epoch {at} has not begun"))
        .at("--epoch")
        .help("rollwright da epochs lists them")
}

fn layer(opened: &Opened, at: usize) -> Result<&Layer, Failure> {
    opened.layers.get(at).ok_or_else(|| no_epoch(at))
}

/// The oldest height of an epoch whose blobs the layer still serves.
async fn oldest(da: &Layer, span: &EpochSpan) -> Result<DaHeight, Failure> {
    let Some(newest) = span.newest() else {
        return Ok(span.first);
    };
    let (mut low, mut high) = (span.first.0, newest.0);
    while low < high {
        // The first look is at the very first: most layers keep everything.
        let middle = if low == span.first.0 {
            low
        } else {
            low + (high - low) / 2
        };
        match da.fetch(DaHeight(middle), None).await {
            Ok(_) if middle == low => return Ok(DaHeight(low)),
            Ok(_) => high = middle,
            Err(error) if error.kind() == ErrorKind::Pruned => low = middle + 1,
            Err(error) => return Err(Failure::layer(&error)),
        }
    }
    Ok(DaHeight(low))
}

/// Says that blocks from `first` to below `next` hold nothing of this rollup.
fn nothing(first: DaHeight, next: DaHeight) -> String {
    match next.0.checked_sub(1) {
        Some(last) if last > first.0 => {
            format!("DA blocks {first} to {last} hold no blobs of this rollup")
        }
        Some(last) if last == first.0 => format!("DA block {first} holds no blobs of this rollup"),
        _ => format!("DA block {first} does not exist yet"),
    }
}
