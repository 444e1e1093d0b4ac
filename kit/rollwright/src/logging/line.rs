use std::fmt;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{ChronoUtc, FormatTime},
    },
    registry::LookupSpan,
};

/// One event, one line: time, level, target, message, key=value, in fixed
/// columns. `12:00:04 INFO block  #128  txs=14 gas=1.2M`
#[derive(Debug)]
pub(super) struct Line {
    time: ChronoUtc,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            time: ChronoUtc::new("%H:%M:%S".to_owned()),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields {
            // What a person reads in passing is short; warnings name things in
            // full.
            short: *event.metadata().level() == Level::INFO,
            ..Fields::default()
        };
        event.record(&mut fields);
        self.time.format_time(&mut writer)?;
        let metadata = event.metadata();
        let level = metadata.level();
        let target = metadata.target().rsplit("::").next().unwrap_or_default();
        if writer.has_ansi_escapes() {
            write!(
                writer,
                " \x1b[{}m{level:>5}\x1b[0m \x1b[1m{target:<6}\x1b[0m",
                color(*level)
            )?;
        } else {
            write!(writer, " {level:>5} {target:<6}")?;
        }
        writeln!(writer, " {}{}", fields.message, fields.rest)
    }
}

const fn color(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 36,
        Level::TRACE => 90,
    }
}

/// First and last bytes of a value that is a 32-byte hash.
fn shortened(value: &str) -> Option<String> {
    let digits = value.strip_prefix("0x")?;
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some(format!("0x{}…{}", digits.get(..4)?, digits.get(60..)?))
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: String,
    /// Hashes are shortened.
    short: bool,
}

impl Fields {
    /// A line break in a value must not start a line of its own.
    fn put(&mut self, field: &Field, value: &str) {
        let value = value.replace(['\n', '\r'], " ");
        if field.name() == "message" {
            self.message = value;
        } else if self.short
            && let Some(short) = shortened(&value)
        {
            self.rest.push_str(&format!(" {}={short}", field.name()));
        } else if value.contains(' ') {
            self.rest.push_str(&format!(" {}={value:?}", field.name()));
        } else {
            self.rest.push_str(&format!(" {}={value}", field.name()));
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests;
