//! Who listens on a port: on Linux from `/proc`, elsewhere unknown.

use std::{fs, path::Path};

/// Process id and name of a process that listens on the TCP port, if it can
/// be found out: it must be ours to inspect.
pub(crate) fn owner(port: u16) -> Option<(u32, String)> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .find_map(|table| listening_inode(&table, port))?;
    let target = format!("socket:[{inode}]");
    let pid = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| holds(*pid, &target))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some((pid, name.trim().to_owned()))
}

/// Inode of the listening socket (state `0A`) on that port in a table of
/// `/proc/net/tcp`: `sl local_address rem_address st … uid timeout inode`.
pub(crate) fn listening_inode(table: &str, port: u16) -> Option<u64> {
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let local = fields.get(1)?;
        let listening = *fields.get(3)? == "0A";
        if listening && local.ends_with(&suffix) {
            fields.get(9)?.parse().ok()
        } else {
            None
        }
    })
}

fn holds(pid: u32, target: &str) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|descriptors| {
        descriptors
            .flatten()
            .any(|fd| fs::read_link(fd.path()).is_ok_and(|link| link == Path::new(target)))
    })
}
