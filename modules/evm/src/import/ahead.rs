use super::{ChainFile, ImportError};
use crate::ethereum::EthereumBlock;
use std::{
    io::Read,
    sync::mpsc::{self, Receiver},
    thread,
};

/// Blocks that are decoded ahead.
const AHEAD: usize = 32;

/// Transactions that recover their signers in the reader's own time.
const FEW: usize = 1;

/// Reads, decodes and recovers signers on a thread of its own, some blocks
/// ahead of `work`, and returns what `work` returns.
///
/// The blocks end with the file or with the first error. Where `work` returns
/// before they do, the rest of the file is not read.
pub fn read_ahead<R, T>(
    file: ChainFile<R>,
    work: impl FnOnce(&Receiver<Result<EthereumBlock, ImportError>>) -> T,
) -> T
where
    R: Read + Send,
{
    let (sender, receiver) = mpsc::sync_channel(AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || {
            for mut block in file {
                if let Ok(block) = &mut block
                    && block.block().body.transactions.len() > FEW
                {
                    block.recover_senders();
                }
                if sender.send(block).is_err() {
                    return;
                }
            }
        });
        let done = work(&receiver);
        // The reader may be waiting for room.
        drop(receiver);
        done
    })
}
