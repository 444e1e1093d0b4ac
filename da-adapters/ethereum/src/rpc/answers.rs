//! What nodes say in words. Nothing outside of this file matches on text.

/// What became of a transaction that was sent. Ordered: the best first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// The pool took it.
    Taken,
    /// The pool had it already.
    Known,
    /// Its nonce is used: a receipt tells by whom.
    NonceUsed,
    /// The pool holds an attempt with a higher offer.
    Underpriced,
    /// The pool takes no more of this account, or reserves it to another kind
    /// of transaction for now.
    Later(String),
    /// The account cannot pay.
    NoFunds,
    /// Never as it is.
    Refused(String),
}

/// Fragments in lower case, of geth, reth, Nethermind, Besu, Erigon and anvil.
const KNOWN: [&str; 3] = ["already known", "alreadyknown", "already imported"];
const NONCE_USED: [&str; 3] = ["nonce too low", "oldnonce", "nonce is too low"];
const UNDERPRICED: [&str; 3] = [
    "replacement transaction underpriced",
    "replacementnotallowed",
    "underpriced replacement",
];
const LATER: [&str; 8] = [
    "account limit exceeded",
    "already reserved",
    "txpool is full",
    "transaction underpriced",
    "max fee per gas less than block base fee",
    "max fee per blob gas less than block blob gas fee",
    "feetoolow",
    "nonce too high",
];
const NO_FUNDS: [&str; 2] = ["insufficient funds", "insufficientfunds"];

impl Verdict {
    /// Reads a node's refusal.
    pub(crate) fn of(message: String) -> Self {
        let text = message.to_ascii_lowercase();
        let says = |fragments: &[&str]| fragments.iter().any(|fragment| text.contains(fragment));
        if says(&KNOWN) {
            Self::Known
        } else if says(&NONCE_USED) {
            Self::NonceUsed
        } else if says(&UNDERPRICED) {
            Self::Underpriced
        } else if says(&NO_FUNDS) {
            Self::NoFunds
        } else if says(&LATER) {
            Self::Later(message)
        } else {
            Self::Refused(message)
        }
    }
}

/// True where a tag names no block yet.
pub(super) fn is_unknown_block(message: &str) -> bool {
    let text = message.to_ascii_lowercase();
    text.contains("not found") || text.contains("unknown block")
}

/// True where a block was dropped (EIP-4444).
pub(super) fn is_pruned(message: &str) -> bool {
    let text = message.to_ascii_lowercase();
    text.contains("pruned") || text.contains("history unavailable")
}

/// A remote's text, bounded, on one line.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = clean.clone().take(MOST).collect();
    if clean.count() > MOST {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_words_are_understood() {
        for (message, verdict) in [
            ("already known", Verdict::Known),
            ("transaction already imported", Verdict::Known),
            (
                "nonce too low: next nonce 4, tx nonce 3",
                Verdict::NonceUsed,
            ),
            ("replacement transaction underpriced", Verdict::Underpriced),
            (
                "insufficient funds for gas * price + value: address 0x…",
                Verdict::NoFunds,
            ),
        ] {
            assert_eq!(Verdict::of(message.into()), verdict);
        }
        for message in [
            "account limit exceeded: pooled 16 txs",
            "address already reserved",
        ] {
            assert_eq!(Verdict::of(message.into()), Verdict::Later(message.into()));
        }
        for message in ["too many blobs in one transaction", "invalid blob sidecar"] {
            assert_eq!(
                Verdict::of(message.into()),
                Verdict::Refused(message.into())
            );
        }
    }

    #[test]
    fn one_node_that_took_it_outweighs_others() {
        assert!(Verdict::Taken < Verdict::Refused(String::new()));
        assert!(Verdict::Known < Verdict::NonceUsed);
    }

    #[test]
    fn a_remotes_text_is_bounded() {
        let long = "<html>\n".repeat(1_000);
        assert!(shortened(&long).chars().count() == 301 && !shortened(&long).contains('\n'));
    }
}
