//! `rollwright da list`

use super::epochs::aligned;
use crate::ui::Console;
use rollwright::{Project, config::DaChoice};
use serde_json::json;
use std::path::Path;

/// What a person wants to know of a layer before choosing it.
const fn about(layer: DaChoice) -> &'static str {
    match layer {
        DaChoice::Local => "embedded, in one file: free, final after 4 blocks; for development",
        DaChoice::Celestia => "namespaced blobs: fees per byte in TIA, final with one block",
        DaChoice::Ethereum => "blobs on an L1: fees per blob in ETH, final after about 15 minutes",
    }
}

/// The layers of this binary, and which of them the project of this folder is
/// or was on.
pub(super) fn run(console: &Console, config: &Path) {
    // Without a project the layers are listed all the same.
    let project = Project::load(config).ok();
    let (mut rows, mut list) = (Vec::new(), Vec::new());
    for layer in [DaChoice::Local, DaChoice::Celestia, DaChoice::Ethereum] {
        let epochs: Vec<u32> = project
            .iter()
            .flat_map(|project| project.epochs())
            .filter(|epoch| epoch.config.layer == layer.layer())
            .map(|epoch| epoch.index)
            .collect();
        let used = match epochs.as_slice() {
            [] => String::new(),
            [one] => format!("epoch {one}"),
            many => {
                let many: Vec<String> = many.iter().map(u32::to_string).collect();
                format!("epochs {}", many.join(", "))
            }
        };
        rows.push(vec![
            layer.layer().to_owned(),
            about(layer).to_owned(),
            used,
        ]);
        list.push(json!({ "layer": layer.layer(), "about": about(layer), "epochs": epochs }));
    }
    console.result(&aligned(&rows), &json!({ "layers": list }));
}
