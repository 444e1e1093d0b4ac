//! `rollwright snapshot`

use crate::{
    args::{DaUrl, Snapshot},
    failure::Failure,
    ui::Console,
};
use rollwright::{
    Project,
    evm::store::snapshot::SnapshotInfo,
    snapshot::{self, Import},
};
use serde_json::{Value, json};

/// `rollwright snapshot`
pub(crate) async fn run(console: &Console, args: &Snapshot) -> Result<(), Failure> {
    match args {
        Snapshot::Export { datadir, file } => {
            let exported = Project::of_data_dir(datadir)?.export_snapshot(file).await?;
            let mut text = format!(
                "{}\n{} bytes in {}; DA is read from height {} on",
                describe(&exported.info),
                exported.bytes,
                file.display(),
                exported.next
            );
            if exported.above > 0 {
                text.push_str(&format!(
                    "\nblocks above it are not final and were left out: {}",
                    exported.above
                ));
            }
            let mut data = facts(&exported.info);
            if let Some(data) = data.as_object_mut() {
                data.insert("file".to_owned(), file.display().to_string().into());
                data.insert("bytes".to_owned(), exported.bytes.into());
                data.insert("nextDaHeight".to_owned(), exported.next.0.into());
                data.insert("leftOut".to_owned(), exported.above.into());
            }
            console.result(&text, &data);
        }
        Snapshot::Import {
            datadir,
            genesis,
            da_url,
            sequencer,
            file,
        } => {
            let import = Import {
                data_dir: datadir.clone(),
                genesis: genesis.clone(),
                da_urls: da_url.iter().map(DaUrl::pair).collect(),
                sequencer: sequencer.clone(),
            };
            if !genesis.exists() {
                return Err(Failure::new("RW-CFG-001", "there is no such genesis file")
                    .at(genesis.display().to_string())
                    .help("name the chain's with --genesis FILE; it lies beside its rollup.toml"));
            }
            let (_, info) = import.run(file)?;
            // Without an address the layer's file is to be in the directory.
            let da = if da_url.is_empty() {
                " --da-url URL"
            } else {
                ""
            };
            let at = datadir.display();
            let text = format!(
                "{}\ncompare this hash with one that you trust, or derive it: rollwright verify --datadir {at}{da}\nnext: rollwright run --role follower --datadir {at}{da}",
                describe(&info),
            );
            console.result(&text, &facts(&info));
        }
        Snapshot::Check { genesis, file } => {
            let info = snapshot::check(file, genesis.as_deref())?;
            console.result(&describe(&info), &facts(&info));
        }
    }
    Ok(())
}

fn describe(info: &SnapshotInfo) -> String {
    format!(
        "block {} {}\nstate root {}, {} accounts, {} storage slots\nchain {}",
        info.block.number,
        info.block.hash,
        info.state_root,
        info.accounts,
        info.slots,
        info.genesis
    )
}

fn facts(info: &SnapshotInfo) -> Value {
    json!({
        "genesis": info.genesis, "block": info.block, "stateRoot": info.state_root,
        "accounts": info.accounts, "slots": info.slots,
    })
}
