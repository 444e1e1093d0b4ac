use crate::{failure::Failure, ui::Console};
use serde_json::json;

/// Prints the version; `verbose` adds what it was built with.
pub(crate) fn run(console: &Console, verbose: bool) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let data = json!({
        "version": version,
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "layers": { "execution": ["evm"], "da": ["local", "celestia", "ethereum"], "settlement": ["none"], "messaging": ["none"] },
    });
    let mut text = format!("rollwright {version}");
    if verbose {
        text.push_str(&format!(
            "\ntarget     {}-{}\nexecution  evm\nda         local, celestia, ethereum\nsettlement none\nmessaging  none",
            std::env::consts::ARCH,
            std::env::consts::OS
        ));
    }
    console.result(&text, &data);
    Ok(())
}
