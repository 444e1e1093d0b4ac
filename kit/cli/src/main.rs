#![doc = include_str!("../README.md")]
#![allow(
    clippy::result_large_err,
    reason = "a failure ends the process; its size costs nothing"
)]

mod args;
mod commands;
mod failure;
mod ui;

use args::{Cli, Color, Command};
use clap::{Parser, error::ErrorKind};
use failure::{Failure, exit};
use std::process::ExitCode;
use ui::{Console, Format, Terminal};

/// A node allocates and frees small pieces on many threads. Only the command
/// chooses an allocator; the libraries leave that to who embeds them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quiet_guarded_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let console = Console {
        format: if cli.global.json {
            Format::Json
        } else {
            Format::People
        },
        quiet: cli.global.quiet,
    };
    if let Some(directory) = &cli.global.directory
        && let Err(error) = std::env::set_current_dir(directory)
    {
        console.failure(&failure::file(
            "changing into the folder of -C",
            directory,
            &error,
        ));
        return ExitCode::from(exit::USAGE);
    }
    match dispatch(&cli, &console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

/// A panic over a damaged DA file becomes an error, which says what to do; the
/// panic's own words would only frighten.
fn quiet_guarded_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !rollwright::da_local::is_guarded() {
            report(panic);
        }
    }));
}

/// A wrong call: clap's own words, and an envelope where programs read.
fn refuse(error: &clap::Error) -> ExitCode {
    let help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if !help && std::env::args().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let message = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        Console {
            format: Format::Json,
            quiet: false,
        }
        .failure(&Failure::usage(message).help("rollwright --help"));
        return ExitCode::from(exit::USAGE);
    }
    // A reader that has gone away is no failure of ours.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { exit::USAGE } else { 0 })
}

fn dispatch(cli: &Cli, console: &Console) -> Result<(), Failure> {
    match &cli.command {
        Command::New(args) => commands::new::run(console, &mut Terminal, args),
        Command::Config(args) => commands::config::run(console, args),
        Command::Chain(args) => commands::chain::run(console, args),
        Command::Keys(args) => commands::keys::run(console, args),
        Command::Explain(args) => commands::explain::run(console, args),
        Command::Completions(args) => commands::completions::run(args),
        Command::Version => commands::version::run(console, cli.global.verbose > 0),
        Command::Rpc(args::Rpc::Methods(args)) => wait(commands::rpc::methods(console, args)),
        Command::Dev(args) => wait(commands::dev::run(console, &cli.global, args)),
        Command::Run(args) => wait(commands::run::run(console, &cli.global, args)),
        Command::Verify(args) => wait(commands::verify::run(console, args)),
        Command::ForceInclude(args) => wait(commands::force_include::run(console, args)),
        Command::Snapshot(args) => wait(commands::snapshot::run(console, args)),
        Command::Evidence(args) => wait(commands::evidence::run(console, args)),
        Command::Import(args) => commands::import::run(console, args),
        Command::Serve(args) => wait(commands::serve::run(console, &cli.global, args)),
        Command::Evm(args) => commands::evm::run(console, args),
        #[cfg(feature = "celestia")]
        Command::CelestiaDevnet(args) => {
            wait(commands::celestia_devnet::run(console, &cli.global, args))
        }
        #[cfg(feature = "celestia")]
        Command::Light(args) => wait(commands::light::run(console, &cli.global, args)),
        Command::Da(args) => wait(commands::da::run(console, &cli.global, args)),
    }
}

/// Runs a command on the asynchronous runtime.
fn wait(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("RW-CLI-005", format!("the runtime cannot start: {error}")))?
        .block_on(command)
}

impl Color {
    /// Colours forced on or off; `None` leaves it to the terminal.
    pub(crate) const fn forced(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }
}
