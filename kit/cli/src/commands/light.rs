//! `rollwright light`

use crate::{
    args::{Global, Light},
    failure::Failure,
    ui::Console,
};
use rollwright::{
    core::{B256, DaHeight, LayerError},
    da_celestia::{
        CelestiaError, Checkpoint,
        sampling::{LightClient, LightConfig, LightEvent, SampleReport, SampleSecret},
    },
    node::SystemClock,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Missing shares that a line names.
const NAMED: usize = 4;

/// Samples until Ctrl-C, or once up to the head.
pub(crate) async fn run(console: &Console, global: &Global, args: &Light) -> Result<(), Failure> {
    super::dev::start_logging(global)?;
    let mut interrupts = super::interrupts::Interrupts::new();
    let secret = SampleSecret::new(B256::random().0);
    let opening = LightClient::open(config(args), Arc::new(SystemClock), &secret);
    let mut client = tokio::select! {
        opened = opening => opened.map_err(|error| failure(&error))?,
        () = interrupts.next() => return Ok(()),
    };
    let head = client.head();
    console.note(&format!(
        "Light client of {} · {} samples a block\nHead     {}:{}\nNext     {}{}\nCtrl-C stops",
        client.network(),
        args.samples,
        head.height,
        head.hash,
        client.next_height(),
        match args.trust {
            Some(_) => "",
            None => "\nTrust    no --trust: the first header that a node gave is believed",
        },
    ));
    console.event(
        "started",
        json!({ "network": client.network(), "head": head, "next": client.next_height(), "samples": args.samples }),
    );
    let (mut available, mut open) = (0u64, Vec::new());
    loop {
        let events = tokio::select! {
            events = client.step() => events.map_err(|error| failure(&error))?,
            () = interrupts.next() => break,
        };
        for event in &events {
            match event {
                LightEvent::Available(_) => available += 1,
                LightEvent::Open(report) => open.push(report.clone()),
                _ => {}
            }
            tell(console, event);
        }
        if args.once && client.is_caught_up() {
            break;
        }
        // Every open block had its round over all endpoints.
        let open_now = client.open_blocks();
        if args.once
            && client.next_height() > client.head().height.0
            && open_now.iter().all(|block| block.rounds > 0)
            && let Some(block) = open_now.first()
        {
            return Err(failure(&CelestiaError::Unsampled {
                height: block.height,
                missing: block.missing.len(),
                wanted: block.wanted,
            }));
        }
    }
    let open = client.open_blocks().len();
    console.note(&format!(
        "{available} blocks available, {open} open, next {}",
        client.next_height()
    ));
    console.event(
        "stopped",
        json!({ "available": available, "open": open, "next": client.next_height() }),
    );
    Ok(())
}

fn config(args: &Light) -> LightConfig {
    let mut config = LightConfig::new(args.endpoint.clone());
    config.token.clone_from(&args.token);
    config.network.clone_from(&args.network);
    config.checkpoint = args.trust.map(|trust| Checkpoint {
        height: DaHeight(trust.height),
        hash: trust.hash,
    });
    config.samples = args.samples;
    config.folder.clone_from(&args.datadir);
    config.block_time = args.block_time.0;
    config
}

fn failure(error: &CelestiaError) -> Failure {
    let failure = Failure::layer(error);
    match error {
        CelestiaError::Transport { .. } => failure.at("--endpoint").network(),
        CelestiaError::CheckpointMismatch { .. } | CelestiaError::CheckpointExpired { .. } => {
            failure.at("--trust")
        }
        _ => failure,
    }
}

/// One line for people, one envelope for programs.
fn tell(console: &Console, event: &LightEvent) {
    let (text, data) = match event {
        LightEvent::Available(report) => (line(report, "available"), told(report, "available")),
        LightEvent::Open(report) => {
            let what = if report.is_withheld() {
                "NOT AVAILABLE"
            } else {
                "not sampled"
            };
            let mut text = line(report, what);
            for missing in report.missing.iter().take(NAMED) {
                let why = missing
                    .failure
                    .map_or("not asked", |failure| failure.as_str());
                let (row, column) = (missing.place.row, missing.place.column);
                text.push_str(&format!("  {row},{column} {why}"));
            }
            if report.missing.len() > NAMED {
                text.push_str(&format!("  and {} more", report.missing.len() - NAMED));
            }
            (text, told(report, "open"))
        }
        LightEvent::Skipped { from, to } => (
            format!("{from:>9} to {to}  no longer served, not sampled"),
            json!({ "event": "skipped", "from": from, "to": to }),
        ),
        LightEvent::Stale { height, age_ms } => (
            format!(
                "{height:>9}  is the newest for {} s: the network rests, or the nodes hide what is new",
                age_ms / 1_000
            ),
            json!({ "event": "stale", "height": height, "ageMs": age_ms }),
        ),
        LightEvent::Behind { endpoint, height } => (
            format!("{height:>9}  is the newest that {endpoint} knows"),
            json!({ "event": "behind", "endpoint": endpoint, "height": height }),
        ),
        LightEvent::Endpoint { endpoint, error } => (
            format!("warning[{}]: {error}", error.code()),
            json!({ "event": "endpoint", "endpoint": endpoint, "code": error.code(), "message": error.to_string() }),
        ),
        LightEvent::Head(header) => {
            console.event("head", json!({ "header": header }));
            return;
        }
        _ => return,
    };
    if matches!(event, LightEvent::Available(_) | LightEvent::Open(_)) || !console.quiet {
        console.result(&text, &data);
    }
}

fn line(report: &SampleReport, what: &str) -> String {
    format!(
        "{:>9}  {what:<13}  {}/{} samples of {}² shares, {} node{}  confidence {:.2} %",
        report.height,
        report.verified,
        report.wanted,
        report.width,
        report.endpoints,
        if report.endpoints == 1 { "" } else { "s" },
        report.confidence * 100.0,
    )
}

fn told(report: &SampleReport, event: &str) -> Value {
    let mut data = data(report);
    data["event"] = event.into();
    data
}

/// What is known of a block, for programs.
pub(crate) fn data(report: &SampleReport) -> Value {
    let missing: Vec<_> = report
        .missing
        .iter()
        .map(|missing| {
            json!({
                "row": missing.place.row, "column": missing.place.column,
                "failure": missing.failure.map(|failure| failure.as_str()),
            })
        })
        .collect();
    json!({
        "height": report.height, "hash": report.hash, "dataRoot": report.data_root,
        "available": report.is_available(), "withheld": report.is_withheld(), "width": report.width,
        "samples": report.wanted, "verified": report.verified, "endpoints": report.endpoints,
        "confidence": report.confidence, "rounds": report.rounds, "missing": missing,
    })
}
