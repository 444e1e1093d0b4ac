use crate::failure::Failure;
use serde::Serialize;
use serde_json::json;
use std::io::{IsTerminal, Write};

/// Who reads the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text for people: results on stdout, everything else on stderr.
    People,
    /// One JSON envelope a line on stdout; text for people on stderr.
    Json,
}

/// Where a command writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Who reads.
    pub(crate) format: Format,
    /// Say nothing but results and errors.
    pub(crate) quiet: bool,
}

/// The version of the envelope.
const SCHEMA_VERSION: u32 = 1;

impl Console {
    /// The result of a command: `text` for people, `data` in an envelope.
    pub(crate) fn result(&self, text: &str, data: &impl Serialize) {
        match self.format {
            Format::People => out(text),
            Format::Json => out(&envelope(data)),
        }
    }

    /// The one thing that people cannot do without although they asked for
    /// silence; programs find it in an event.
    pub(crate) fn answer_when_quiet(&self, text: &str) {
        if self.quiet && self.format == Format::People {
            out(text);
        }
    }

    /// An event of a long-running command: nothing for people, who read the
    /// log, and one envelope with `event` for programs.
    pub(crate) fn event(&self, event: &str, data: impl Serialize) {
        if self.format == Format::Json {
            let mut data = serde_json::to_value(data).unwrap_or_default();
            if let Some(map) = data.as_object_mut() {
                map.insert("event".to_owned(), event.into());
            }
            out(&envelope(&data));
        }
    }

    /// Something that people want to know; never a result.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            err(text);
        }
    }

    /// A failure, on stderr, and as an envelope for programs.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.format == Format::Json {
            out(
                &json!({ "schema_version": SCHEMA_VERSION, "ok": false, "error": failure })
                    .to_string(),
            );
        }
        err(&failure.to_string());
    }

    /// Columns for people's text: the terminal's, else 80.
    pub(crate) fn columns(&self) -> usize {
        terminal_size::terminal_size_of(std::io::stderr())
            .map_or(80, |(terminal_size::Width(columns), _)| columns.into())
    }

    /// True where a person sits at the other end.
    pub(crate) fn interactive(&self) -> bool {
        self.format == Format::People
            && std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
    }
}

fn envelope(data: &impl Serialize) -> String {
    json!({ "schema_version": SCHEMA_VERSION, "ok": true, "data": data }).to_string()
}

// A reader that has gone away (`rollwright … | head`) is no failure of ours.
fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}");
    let _ = stdout.flush();
}

fn err(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
