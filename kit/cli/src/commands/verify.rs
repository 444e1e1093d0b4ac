//! `rollwright verify`

use crate::{
    args::Verify,
    failure::Failure,
    ui::{Console, Progress},
};
use rollwright::{Project, StartError};
use serde_json::json;

/// Derives the whole chain again from DA alone and compares every block. The
/// last line on stdout is `verified N blocks, head 0x…`.
pub(crate) async fn run(console: &Console, args: &Verify) -> Result<(), Failure> {
    let target = &args.target;
    let mut project = match &target.datadir {
        Some(datadir) => Project::of_data_dir(datadir)?,
        None => super::da::here(&target.config)?,
    };
    for url in &target.da_url {
        project = project.with_da_url(url.layer, &url.url);
    }
    if args.state {
        return state(console, &project);
    }
    let mut progress = Progress::start(console, "deriving DA block", None);
    let mut first = None;
    let result = project
        .verify(|at| {
            let start = *first.get_or_insert(at.height.0);
            progress.at(
                console,
                at.height.0.saturating_sub(start).saturating_add(1),
                Some(at.last.0.saturating_sub(start).saturating_add(1)),
            );
        })
        .await;
    progress.finish();
    let verified = result.map_err(in_use)?;
    if verified.blocks == 0 && verified.unposted > 0 {
        console.note("no batch was posted yet: let the node run for a few DA blocks");
    }
    let tail = match verified.unposted {
        0 => "every block is posted".to_owned(),
        1 => "1 block is not posted yet".to_owned(),
        n => format!("{n} blocks are not posted yet"),
    };
    let origin = match verified.snapshot {
        Some(block) if block.number > 1 => format!(
            "blocks below {} came as a snapshot and are not kept here; the hash of block {} vouches for them\n",
            block.number, block.number
        ),
        _ => String::new(),
    };
    let verdict = format!(
        "verified {} blocks, head {}",
        verified.blocks, verified.head.hash
    );
    let text = if console.quiet {
        verdict
    } else {
        format!("{origin}{tail}\n{verdict}")
    };
    let data = json!({ "blocks": verified.blocks, "head": verified.head, "unposted": verified.unposted, "snapshot": verified.snapshot });
    console.result(&text, &data);
    Ok(())
}

/// Recomputes every root of the latest state. The last line on stdout is
/// `the state of block N is right, root 0x…`.
fn state(console: &Console, project: &Project) -> Result<(), Failure> {
    let mut progress = Progress::start(console, "account", None);
    let result = project.check_state(&mut |accounts| progress.at(console, accounts, None));
    progress.finish();
    let found = result.map_err(in_use)?;
    let verdict = format!(
        "the state of block {} is right, root {}",
        found.block.number, found.root
    );
    let text = if console.quiet {
        verdict
    } else {
        format!(
            "{} accounts, {} slots, {} trie branches\n{verdict}",
            found.accounts, found.slots, found.branches
        )
    };
    let data = json!({
        "block": found.block,
        "stateRoot": found.root,
        "accounts": found.accounts,
        "slots": found.slots,
        "branches": found.branches,
    });
    console.result(&text, &data);
    Ok(())
}

fn in_use(error: StartError) -> Failure {
    let failure = Failure::from(error);
    match failure.code {
        "RW-STORE-114" | "RW-DA-104" => failure.help(
            "stop the node first; a follower checks a running chain: rollwright run --role follower",
        ),
        _ => failure,
    }
}
