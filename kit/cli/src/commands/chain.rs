//! `rollwright chain`

use crate::{
    args::{Chain, ChainPreinstall},
    failure::{Failure, file},
    ui::Console,
};
use rollwright::evm::{
    genesis::{ChainReport, Genesis},
    predeploy,
};
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

/// Reads a genesis file and says what it means. No chain need exist.
pub(crate) fn run(console: &Console, args: &Chain) -> Result<(), Failure> {
    match args {
        Chain::Eips(args) => {
            let genesis = read(&args.genesis)?;
            let report = genesis.report();
            let data = json!({
                "chainId": report.chain_id,
                "genesisHash": report.genesis_hash,
                "eips": report.eips,
                "precompiles": report.precompiles,
                "differences": report.differences,
            });
            console.result(&differences(&report), &data);
        }
        Chain::Show(args) => {
            let report = read(&args.genesis)?.report();
            console.result(&whole(&report), &report);
        }
        Chain::Preinstall(args) => preinstall(console, args)?,
    }
    Ok(())
}

fn read(path: &Path) -> Result<Genesis, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| file("reading the genesis file", path, &error))?;
    Genesis::from_json(&text).map_err(|error| {
        use rollwright::core::LayerError as _;
        Failure::new(error.code(), error.to_string()).at(path.display().to_string())
    })
}

/// A line for each difference: what, how Ethereum has it, how the chain does.
fn differences(report: &ChainReport) -> String {
    if report.differences.is_empty() {
        return "no config.rollwright: Ethereum's own rules".into();
    }
    let width = report
        .differences
        .iter()
        .map(|difference| difference.subject.len())
        .max()
        .unwrap_or(0);
    let lines: Vec<String> = report
        .differences
        .iter()
        .map(|d| {
            format!(
                "{:width$}  {} (Ethereum: {})",
                d.subject, d.here, d.ethereum
            )
        })
        .collect();
    lines.join("\n")
}

fn whole(report: &ChainReport) -> String {
    let mut lines = vec![
        format!("chain id       {}", report.chain_id),
        format!("genesis hash   {}", report.genesis_hash),
        format!(
            "config hash    {} (encoding {})",
            report.config_hash, report.config_encoding
        ),
        format!("genesis time   {}", report.genesis_time),
        format!("gas limit      {}", report.gas_limit),
        format!(
            "forks          {}",
            schedule(&report.forks_by_block, "block")
        ),
        format!("               {}", schedule(&report.forks_by_time, "time")),
    ];
    for eip in &report.eips {
        lines.push(format!(
            "eip            {} at time {}: {} ({})",
            eip.key, eip.time, eip.title, eip.fork
        ));
    }
    for own in &report.precompiles {
        lines.push(format!(
            "precompile     {} at time {}: {} version {}",
            own.address, own.time, own.name, own.version
        ));
    }
    for contract in &report.contracts {
        lines.push(format!(
            "contract       {} {} (code {})",
            contract.address,
            contract.what.unwrap_or("of this chain"),
            contract.code_hash
        ));
    }
    lines.join("\n")
}

fn schedule(forks: &BTreeMap<&'static str, u64>, unit: &str) -> String {
    let mut by_start: Vec<_> = forks.iter().collect();
    by_start.sort_by_key(|(_, at)| **at);
    let all: Vec<String> = by_start
        .iter()
        .map(|(name, at)| format!("{name} {at}"))
        .collect();
    match all.is_empty() {
        true => format!("none by {unit}"),
        false => format!("by {unit}: {}", all.join(", ")),
    }
}

/// Writes the file anew with the contracts in it.
fn preinstall(console: &Console, args: &ChainPreinstall) -> Result<(), Failure> {
    let path = &args.genesis;
    let mut genesis = read(path)?;
    let mut added = predeploy::factories();
    if let Some(code) = &args.create_x {
        let text = std::fs::read_to_string(code)
            .map_err(|error| file("reading CreateX's code", code, &error))?;
        let bytes = text.trim().parse().map_err(|error| {
            Failure::usage(format!("the code is no hexadecimal text: {error}"))
                .at(code.display().to_string())
        })?;
        let (address, account) = predeploy::create_x(bytes)
            .map_err(|error| Failure::usage(error.to_string()).at(code.display().to_string()))?;
        added.insert(address, account);
    }
    if args.l1_origin {
        added.extend([predeploy::l1_origin()]);
    }
    added.retain(|address, _| !genesis.alloc.contains_key(address));
    let addresses: Vec<_> = added.keys().copied().collect();
    genesis.alloc.extend(added);
    let hash = genesis.report().genesis_hash;
    std::fs::write(path, genesis.to_json())
        .map_err(|error| file("writing the genesis file", path, &error))?;
    let mut lines: Vec<String> = addresses
        .iter()
        .map(|address| format!("added {address}"))
        .collect();
    lines.push(format!("genesis hash {hash}"));
    let data = json!({ "added": addresses, "genesisHash": hash });
    console.result(&lines.join("\n"), &data);
    Ok(())
}
