use parking_lot::Mutex;
use rollwright_core::LayerError;
use std::collections::BTreeMap;

/// The last error of each layer, and folding of repeated log lines: an error
/// is logged when it first appears and then each time its count doubles.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    layers: Mutex<BTreeMap<&'static str, Repeated>>,
}

#[derive(Debug, Default)]
struct Repeated {
    text: String,
    count: u64,
    order: u64,
}

impl Errors {
    /// Records a failure, and logs it unless it only repeats the last.
    pub(crate) fn failed<E: LayerError>(&self, layer: &'static str, doing: &str, error: &E) {
        let text = format!("{doing}: {error}");
        let mut layers = self.layers.lock();
        let order = layers.values().map(|entry| entry.order).max().unwrap_or(0) + 1;
        let entry = layers.entry(layer).or_default();
        entry.order = order;
        if entry.text == text {
            entry.count += 1;
        } else {
            entry.text = text;
            entry.count = 1;
        }
        let (count, text) = (entry.count, &entry.text);
        if count == 1 {
            tracing::warn!(target: "node", layer, code = error.code(), kind = error.kind().as_str(), "{text}");
        } else if count.is_power_of_two() {
            tracing::warn!(target: "node", layer, code = error.code(), repeats = count, "{text}");
        }
    }

    /// Says that the layer works again.
    pub(crate) fn recovered(&self, layer: &'static str) {
        if let Some(entry) = self.layers.lock().remove(layer) {
            tracing::info!(target: "node", layer, failures = entry.count, "recovered");
        }
    }

    /// Newest last.
    pub(crate) fn list(&self) -> Vec<(String, String)> {
        let layers = self.layers.lock();
        let mut all: Vec<_> = layers.iter().collect();
        all.sort_by_key(|(_, entry)| entry.order);
        all.into_iter()
            .map(|(layer, entry)| ((*layer).to_owned(), entry.text.clone()))
            .collect()
    }
}
