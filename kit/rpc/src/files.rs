//! How many connections the system lets the process have.

/// Open files that a node needs besides connections: its database, its DA
/// layer, outgoing connections.
const OWN_FILES: usize = 256;

/// The least number of connections, however few files there may be.
const LEAST: usize = 16;

/// The wanted number of connections, or as many as open files allow.
pub(crate) fn connections(wanted: usize) -> usize {
    // Elsewhere than on Linux nothing is known.
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(most) = soft_limit(&limits).map(room) else {
        return wanted;
    };
    if most < wanted {
        tracing::warn!(
            target: "rpc",
            wanted,
            most,
            "the limit on open files is too low for `rpc.max-connections`; raise it (`ulimit -n`)"
        );
    }
    wanted.min(most)
}

fn room(files: usize) -> usize {
    files.saturating_sub(OWN_FILES).max(LEAST)
}

/// The soft limit on open files in the text of `/proc/self/limits`.
fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_the_first_number_of_its_line() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             95000                95000                processes\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(limits), Some(1_024));
        assert_eq!(soft_limit("Max open files unlimited unlimited files"), None);
        assert_eq!(soft_limit(""), None);
    }

    #[test]
    fn connections_leave_files_for_the_node_and_are_never_none() {
        assert_eq!(room(1_024), 768);
        assert_eq!(room(100), LEAST);
    }
}
