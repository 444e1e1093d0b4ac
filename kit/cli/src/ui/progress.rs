use super::Console;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// Progress of long work: a bar on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    lines: bool,
    last: Instant,
}

/// Time between two plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

impl Progress {
    /// Progress of `what`, towards `total` if that is known.
    pub(crate) fn start(console: &Console, what: &'static str, total: Option<u64>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if console.quiet || !terminal {
            ProgressBar::hidden()
        } else {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let form = match total {
                Some(_) => "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}",
                None => "{spinner} {msg} {pos} {elapsed}",
            };
            // The forms above are constants that parse.
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style);
            }
            bar
        };
        bar.set_message(what);
        Self {
            bar,
            what,
            lines: !terminal && !console.quiet,
            last: Instant::now(),
        }
    }

    /// Reports how far the work has come.
    pub(crate) fn at(&mut self, console: &Console, position: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(position);
        if self.lines && self.last.elapsed() >= LINE_INTERVAL {
            self.last = Instant::now();
            match total {
                Some(total) => console.note(&format!("{} {position} of {total}", self.what)),
                None => console.note(&format!("{} {position}", self.what)),
            }
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
