//! The chain's DA layers, one for each of its DA epochs.

use crate::{args::Target, failure::Failure, ui::Console};
use rollwright::{
    Project,
    core::{DataAvailability, boxed::BoxDa, decorators::TimeLimit},
    derive::DaEpoch,
    node::{DaLayers, EpochSpan, find_epochs},
};
use serde_json::{Value, json};

/// A layer as commands use it: each call has the node's limit, `da.timeout`.
pub(super) type Layer = TimeLimit<BoxDa>;

/// A chain with its DA layers, and where its epochs lie on them.
pub(super) struct Opened {
    pub(super) project: Project,
    pub(super) layers: DaLayers<Layer>,
    /// Of the epochs that have begun; never empty.
    pub(super) spans: Vec<EpochSpan>,
    /// Why the next epoch's layer is not among them.
    pub(super) missing: Option<String>,
}

impl Opened {
    pub(super) async fn of(target: &Target) -> Result<Self, Failure> {
        Self::project(super::project_of(target)?).await
    }

    pub(super) async fn project(project: Project) -> Result<Self, Failure> {
        let mut opened = project.read_layers().await?;
        let missing = opened.missing.take().map(|error| error.to_string());
        let layers = opened.limited(&project)?;
        let spans = find_epochs(project.epochs(), &layers).await?;
        Ok(Self {
            project,
            layers,
            spans,
            missing,
        })
    }

    /// The epoch that the chain is in, its place, and its layer.
    pub(super) fn present(&self) -> Result<(&DaEpoch, &EpochSpan, &Layer), Failure> {
        let found = self.spans.last().and_then(|span| {
            let at = span.index as usize;
            Some((self.project.epochs().get(at)?, span, self.layers.get(at)?))
        });
        found.ok_or_else(|| Failure::new("RW-DA-900", "the chain has no DA layer"))
    }
}

/// The project that a command is about, and the layer of the DA epoch that the
/// chain is in: of an embedded layer the process that runs the chain, if one
/// does, otherwise the layer's file.
pub(crate) async fn open(target: &Target) -> Result<(Project, Layer), Failure> {
    let opened = Opened::of(target).await?;
    let layer = opened.present()?.2.clone();
    Ok((opened.project, layer))
}

/// `rollwright da status`
pub(super) async fn status(console: &Console, target: &Target) -> Result<(), Failure> {
    let opened = Opened::of(target).await?;
    let (epoch, span, da) = opened.present()?;
    let caps = da.caps();
    let (head, address) = (span.head, &epoch.config.address);
    let mut text = format!(
        "epoch      {} of {}\nlayer      {}\nnetwork    {}\nnamespace  {address}\nhead       {}  {}\n",
        epoch.index,
        opened.project.epochs().len(),
        caps.layer,
        caps.network,
        head.observed.height,
        head.observed.hash
    );
    match head.finalized {
        Some(block) => text.push_str(&format!("final      {}  {}\n", block.height, block.hash)),
        None => text.push_str("final      none yet\n"),
    }
    text.push_str(&format!(
        "block time {:?}\nblob       at most {} bytes",
        caps.block_time, caps.max_blob_bytes
    ));
    let mut data = json!({
        "epoch": epoch.index, "epochs": opened.project.epochs().len(),
        "layer": caps.layer, "network": caps.network, "namespace": address, "head": head.observed,
        "finalized": head.finalized, "maxBlobBytes": caps.max_blob_bytes,
        "ordinal": span.newest().and_then(|height| span.ordinal(height)),
    });
    if let Some(last) = span.last {
        let next = opened.project.epochs().get(epoch.index as usize + 1);
        let layer = next.map_or("another layer", |next| next.config.layer.as_str());
        text.push_str(&format!("\nends       at height {last}, then {layer}"));
        data["last"] = json!(last);
    }
    #[cfg(feature = "celestia")]
    {
        use rollwright::core::LayerError as _;
        // A label; whatever comes of it, the status is told.
        let sampled = opened.project.sample_da_head(epoch.index);
        match da.within("sample", Box::pin(sampled)).await {
            Ok(None) => {}
            Ok(Some(report)) => {
                text.push_str(&format!(
                    "\nsampled    {} of {} shares of block {}, confidence {:.2} %",
                    report.verified,
                    report.wanted,
                    report.height,
                    report.confidence * 100.0
                ));
                data["sampling"] = crate::commands::light::data(&report);
            }
            Err(error) => {
                text.push_str(&format!("\nsampled    not: {error}"));
                data["sampling"] = json!({ "error": error.to_string(), "code": error.code() });
            }
        }
    }
    console.result(&text, &data);
    Ok(())
}

/// `rollwright da epochs`
pub(super) async fn table(console: &Console, target: &Target) -> Result<(), Failure> {
    let opened = Opened::of(target).await?;
    let begun = opened.spans.len();
    let mut rows = vec![
        [
            "epoch", "layer", "network", "address", "ordinals", "heights", "state",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let mut list = Vec::new();
    for (at, epoch) in opened.project.epochs().iter().enumerate() {
        let span = opened.spans.get(at);
        let next = opened.project.epochs().get(at + 1);
        let last_ordinal = next.map(|next| next.begins.0.saturating_sub(1));
        let state = match span {
            None => "to come",
            Some(_) if at + 1 == begun => "present",
            Some(_) => "past",
        };
        rows.push(row(epoch, span, last_ordinal, state));
        list.push(facts(epoch, span, last_ordinal, state));
    }
    let digest = opened.project.config_digest();
    let mut text = aligned(&rows);
    text.push_str(&format!("\nconfiguration digest {digest}"));
    if let Some(missing) = &opened.missing {
        text.push_str(&format!("\nnot configured here: {missing}"));
    }
    console.result(
        &text,
        &json!({ "epochs": list, "configDigest": digest, "notConfigured": opened.missing }),
    );
    Ok(())
}

fn row(
    epoch: &DaEpoch,
    span: Option<&EpochSpan>,
    last_ordinal: Option<u64>,
    state: &str,
) -> Vec<String> {
    let range = |first: String, last: Option<String>| match last {
        Some(last) => format!("{first}–{last}"),
        None => format!("{first}–"),
    };
    let config = &epoch.config;
    let ordinals = range(
        epoch.begins.to_string(),
        last_ordinal.map(|last| last.to_string()),
    );
    let heights = match span {
        Some(span) => range(
            span.first.to_string(),
            span.last.map(|last| last.to_string()),
        ),
        None => format!("from {}", config.start_height),
    };
    vec![
        epoch.index.to_string(),
        config.layer.clone(),
        config.network.clone(),
        config.address.clone(),
        ordinals,
        heights,
        state.to_owned(),
    ]
}

fn facts(
    epoch: &DaEpoch,
    span: Option<&EpochSpan>,
    last_ordinal: Option<u64>,
    state: &str,
) -> Value {
    json!({
        "epoch": epoch.index,
        "layer": epoch.config.layer,
        "network": epoch.config.network,
        "address": epoch.config.address,
        "firstOrdinal": epoch.begins,
        "lastOrdinal": last_ordinal,
        "firstHeight": span.map(|span| span.first),
        "lastHeight": span.and_then(|span| span.last),
        "startHeight": epoch.config.start_height,
        "state": state,
    })
}

/// Rows as columns, with two blanks between them.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(at) {
                Some(known) => *known = (*known).max(width),
                None => widths.push(width),
            }
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let fill = width.saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(fill))
        });
        let cells: Vec<String> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    lines.join("\n")
}
