use crate::{
    args::{Cli, Completions},
    failure::Failure,
};
use clap::CommandFactory;

/// Prints the completion script of a shell.
pub(crate) fn run(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rollwright", &mut script);
    // A reader that has gone away is no failure of ours.
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), &script);
    Ok(())
}
