//! What goes to stdout and stderr.

mod console;
mod progress;
mod prompt;

pub(crate) use console::{Console, Format};
pub(crate) use progress::Progress;
pub(crate) use prompt::{Prompt, Terminal};

#[cfg(test)]
pub(crate) use prompt::Scripted;
