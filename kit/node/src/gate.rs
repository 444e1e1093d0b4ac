use parking_lot::Mutex;
use std::collections::BTreeMap;

/// What stands against admitting transactions or making blocks, by whom.
/// Empty while all is well.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    reasons: Mutex<BTreeMap<&'static str, Reason>>,
}

#[derive(Debug)]
struct Reason {
    text: String,
    admission: bool,
}

impl Gate {
    /// Sets or lifts a reason. Says so in the log when it begins and ends.
    pub(crate) fn set(&self, by: &'static str, admission: bool, text: Option<String>) {
        let mut reasons = self.reasons.lock();
        match text {
            Some(text) => {
                if !reasons.contains_key(by) {
                    tracing::warn!(target: "node", by, "{text}");
                }
                reasons.insert(by, Reason { text, admission });
            }
            None => {
                if reasons.remove(by).is_some() {
                    tracing::info!(target: "node", by, "goes on");
                }
            }
        }
    }

    /// Why no transactions are admitted.
    pub(crate) fn admission(&self) -> Option<String> {
        let reasons = self.reasons.lock();
        reasons
            .values()
            .find(|reason| reason.admission)
            .map(|reason| reason.text.clone())
    }

    /// Everything that stands against admission or blocks.
    pub(crate) fn all(&self) -> Option<String> {
        let reasons = self.reasons.lock();
        let texts: Vec<_> = reasons
            .values()
            .map(|reason| reason.text.as_str())
            .collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}
