//! Ctrl-C and other wishes to end.

use std::{
    process::{Child, Command, ExitStatus},
    time::Duration,
};

/// Time in which a second signal is an echo of the first.
const ECHO: Duration = Duration::from_millis(300);

/// The first Ctrl-C stops in order; from now on a second one ends the process
/// at once, which loses nothing that was acknowledged.
pub(crate) fn exit_at_the_second() {
    tokio::spawn(async {
        Interrupts::new().next().await;
        // A wrapper that tells both the process and its group is one wish.
        tokio::time::sleep(ECHO).await;
        Interrupts::new().next().await;
        // 128 and the number of the signal, as shells have it.
        std::process::exit(130);
    });
}

/// Keeps the terminal's Ctrl-C from a child, which is told by
/// [`pass_on`] instead.
pub(crate) fn of_its_own(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Waits for a child, and passes every Ctrl-C on to it.
pub(crate) async fn pass_on(mut child: Child) -> std::io::Result<ExitStatus> {
    let id = child.id().to_string();
    let mut ended = tokio::task::spawn_blocking(move || child.wait());
    let mut interrupts = Interrupts::new();
    loop {
        tokio::select! {
            status = &mut ended => return status.map_err(std::io::Error::other)?,
            () = interrupts.next() => {
                let id = id.clone();
                // Where there is no `kill`, the child ends with its terminal.
                let _ = tokio::task::spawn_blocking(move || {
                    Command::new("kill").args(["-INT", &id]).status()
                })
                .await;
            }
        }
    }
}

/// Does `work`, unless a wish to end comes first: then the work is dropped,
/// which has ended when this returns `None`.
pub(crate) async fn unless_interrupted<T: Send + 'static>(
    interrupts: &mut Interrupts,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    // On a thread of its own, for it may compute for long.
    let mut task = tokio::spawn(work);
    tokio::select! {
        done = &mut task => Some(done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))),
        () = interrupts.next() => {
            task.abort();
            // It ends where it waits next, or with its result.
            let _ = task.await;
            None
        }
    }
}

/// Every Ctrl-C and termination signal since this value was made.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: Option<[tokio::signal::unix::Signal; 2]>,
}

impl Interrupts {
    pub(crate) fn new() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let both = (
                signal(SignalKind::interrupt()),
                signal(SignalKind::terminate()),
            );
            Self {
                signals: match both {
                    (Ok(interrupt), Ok(terminate)) => Some([interrupt, terminate]),
                    _ => None,
                },
            }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some([interrupt, terminate]) = &mut self.signals {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        // Without signals the process is stopped by other means.
        let _ = tokio::signal::ctrl_c().await;
    }
}
