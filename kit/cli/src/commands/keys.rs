use crate::{
    args::Keys,
    failure::{Failure, file},
    ui::Console,
};
use alloy_primitives::{Address, hex};
use k256::ecdsa::SigningKey;
use serde_json::json;
use std::path::Path;

/// `rollwright keys`
pub(crate) fn run(console: &Console, args: &Keys) -> Result<(), Failure> {
    match args {
        Keys::New { file } => new(console, file),
        Keys::List { folder } => list(console, folder),
    }
}

fn new(console: &Console, path: &Path) -> Result<(), Failure> {
    let address = create(path)?;
    let text = format!(
        "{address}\nwritten to {}; put the address into the key schedule of genesis.json",
        path.display()
    );
    console.result(&text, &json!({ "address": address, "file": path }));
    Ok(())
}

/// Makes a key, writes it to a file that its owner alone can read, and
/// returns its address. Never overwrites.
pub(crate) fn create(path: &Path) -> Result<Address, Failure> {
    let key = random();
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)
            .map_err(|error| file("making the folder", folder, &error))?;
    }
    write_private(path, &(text(&key) + "\n")).map_err(|error| {
        let failure = file("writing the key", path, &error);
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                failure.help("a key is never overwritten; name another file")
            }
            _ => failure,
        }
    })?;
    Ok(address(&key))
}

/// A key from the operating system's generator.
pub(crate) fn random() -> SigningKey {
    SigningKey::random(&mut k256::elliptic_curve::rand_core::OsRng)
}

/// A key's address.
pub(crate) fn address(key: &SigningKey) -> Address {
    Address::from_private_key(key)
}

/// A key as its file holds it.
pub(crate) fn text(key: &SigningKey) -> String {
    format!("0x{}", hex::encode(key.to_bytes()))
}

fn write_private(path: &Path, content: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn list(console: &Console, folder: &Path) -> Result<(), Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        file("reading the folder", folder, &error).help("rollwright keys new makes a key")
    })?;
    let mut found: Vec<(String, Address)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let address = address_of(&std::fs::read_to_string(entry.path()).ok()?)?;
            Some((entry.path().display().to_string(), address))
        })
        .collect();
    found.sort();
    let text: Vec<String> = found
        .iter()
        .map(|(path, address)| format!("{address}  {path}"))
        .collect();
    let data: Vec<_> = found
        .iter()
        .map(|(path, address)| json!({ "address": address, "file": path }))
        .collect();
    console.result(&text.join("\n"), &data);
    Ok(())
}

pub(crate) fn address_of(content: &str) -> Option<Address> {
    let bytes = hex::decode(content.trim()).ok()?;
    Some(Address::from_private_key(
        &SigningKey::from_slice(&bytes).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys/sequencer.key");
        let address = create(&path).expect("created");
        assert_eq!(
            address_of(&std::fs::read_to_string(&path).expect("reads")),
            Some(address)
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path)
                .expect("metadata")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(create(&path).expect_err("refused").code, "RW-CLI-002");
    }

    #[test]
    fn a_known_key_has_its_known_address() {
        let content = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n";
        let expected: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
            .parse()
            .expect("an address");
        assert_eq!(address_of(content), Some(expected));
    }
}
