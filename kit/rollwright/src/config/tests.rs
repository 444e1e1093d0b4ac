use super::*;
use rollwright_core::LayerError;

fn load(text: &str) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rollup.toml");
    std::fs::write(&path, text).expect("written");
    Layers {
        file: Some(path),
        environment: false,
        flags: Vec::new(),
    }
    .load()
}

#[test]
fn an_empty_file_gives_the_defaults() {
    assert_eq!(load("").expect("loads").values, RollupToml::default());
}

#[test]
fn the_defaults_survive_a_round_trip_through_the_file() {
    let text = toml_edit::ser::to_string_pretty(&RollupToml::default()).expect("serialises");
    assert_eq!(load(&text).expect("loads").values, RollupToml::default());
}

#[test]
fn an_unknown_key_is_refused_with_line_and_suggestion() {
    let error = load("schema = 1\n\n[chain]\nblok-time = \"1s\"\n").expect_err("refused");
    assert_eq!(error.code(), "RW-CFG-003");
    let text = error.to_string();
    assert!(text.contains("rollup.toml:4"), "{text}");
    assert!(
        text.contains("`chain.blok-time`") && text.contains("did you mean `block-time`"),
        "{text}"
    );
}

#[test]
fn an_unknown_section_is_refused() {
    let error = load("[chian]\nid = 5\n").expect_err("refused");
    assert!(
        error.to_string().contains("did you mean `chain`"),
        "{error}"
    );
}

#[test]
fn a_duration_without_unit_is_refused_with_the_cure() {
    let error = load("[chain]\nblock-time = \"1\"\n").expect_err("refused");
    assert_eq!(error.code(), "RW-CFG-004");
    assert!(error.to_string().contains("rollup.toml:2"), "{error}");
    assert!(error.to_string().contains("with a unit"), "{error}");
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let error =
        load("[sequencer]\nkey = \"0xac0974bec39a17e36ba4a6b4d238ff94\"\n").expect_err("refused");
    assert_eq!(error.code(), "RW-CFG-005");
    assert!(!format!("{error:?} {error}").contains("ac0974"), "{error}");
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_line() {
    let error = load("[chain]\nid = = 4\n").expect_err("refused");
    assert_eq!(error.code(), "RW-CFG-002");
    assert!(error.to_string().contains("rollup.toml:2"), "{error}");
}

#[test]
fn flags_win_over_the_file_and_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rollup.toml");
    std::fs::write(&path, "[chain]\nid = 5\nname = \"gizmo\"\n").expect("written");
    let flags = vec![("chain.id".to_owned(), 6u64.into())];
    let loaded = Layers {
        file: Some(path),
        environment: false,
        flags,
    }
    .load()
    .expect("loads");
    assert_eq!(loaded.values.chain.id, 6);
    assert_eq!(loaded.origin("chain.id"), "--id");
    assert!(
        loaded.origin("chain.name").ends_with("rollup.toml:3"),
        "{}",
        loaded.origin("chain.name")
    );
    assert_eq!(loaded.origin("da.use"), "default");
}

#[test]
fn every_key_of_the_file_is_explained_and_every_explanation_is_a_key() {
    let defaults = serde_json::to_value(RollupToml::default()).expect("json");
    let mut found = Vec::new();
    collect(&defaults, "", &mut found);
    let mut explained: Vec<&str> = KEYS.iter().map(|doc| doc.key).collect();
    explained.sort_unstable();
    found.sort_unstable();
    assert_eq!(explained, found);
}

fn collect(value: &serde_json::Value, prefix: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let key = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                collect(value, &key, found);
            }
        }
        _ => found.push(prefix.to_owned()),
    }
}

#[test]
fn sizes_and_durations_print_as_they_are_written() {
    for text in ["120KiB", "256MiB", "1GiB", "7B"] {
        assert_eq!(text.parse::<ByteSize>().expect("parses").to_string(), text);
    }
    for text in ["250ms", "1s", "10m"] {
        assert_eq!(text.parse::<Period>().expect("parses").to_string(), text);
    }
    assert!("12".parse::<ByteSize>().is_err());
    assert!("99999999999999GiB".parse::<ByteSize>().is_err());
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    std::fs::write(&path, "secret").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    let secret = Secret::File(path.clone());
    assert_eq!(
        secret
            .read("sequencer.key", folder.path())
            .expect_err("refused")
            .code(),
        "RW-CFG-008"
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    assert_eq!(
        secret.read("sequencer.key", folder.path()).expect("reads"),
        "secret"
    );
}

#[test]
fn a_setting_that_would_have_no_effect_is_refused() {
    for text in [
        "[da]\nfinality = \"observed\"\n",
        "[da]\non-failure = \"halt\"\n",
        "[telemetry]\nmetrics = \"127.0.0.1:9000\"\n",
    ] {
        let error = crate::Project::from_config(load(text).expect("loads")).expect_err("refused");
        assert_eq!(error.code(), "RW-CFG-009", "{text}");
    }
}

#[test]
fn archives_are_refused_where_no_layer_has_any() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = rollwright_core::Address::repeat_byte(1);
    let genesis = crate::dev::new_genesis(42069, key, "net", Default::default(), 1);
    std::fs::write(folder.path().join("genesis.json"), genesis).expect("written");
    let path = folder.path().join("rollup.toml");
    std::fs::write(&path, "[da]\narchive = [\"http://127.0.0.1:1\"]\n").expect("written");
    let loaded = Layers {
        file: Some(path),
        ..Layers::default()
    };
    let loaded = loaded.load().expect("loads");
    let error = crate::Project::from_config(loaded).expect_err("refused");
    assert_eq!(error.code(), "RW-CFG-009", "{error}");
}

#[test]
fn a_store_needs_some_memory() {
    let load = |text: &str| crate::Project::from_config(load(text).expect("loads"));
    let error = load("[execution]\nmemory = \"255MiB\"\n").expect_err("refused");
    assert_eq!(error.code(), "RW-CFG-004", "{error}");
    assert!(error.to_string().contains("256MiB"), "{error}");
}

#[test]
fn amounts_print_as_they_are_written() {
    for (text, wei) in [
        ("30gwei", 30_000_000_000),
        ("0.5eth", 500_000_000_000_000_000),
        ("0.01gwei", 10_000_000),
        ("7wei", 7),
        ("0wei", 0),
    ] {
        let amount: Wei = text.parse().expect("parses");
        assert_eq!((amount.0, amount.to_string().as_str()), (wei, text));
    }
    let daily: WeiPerDay = "0.5eth/day".parse().expect("parses");
    assert_eq!(daily.to_string(), "0.5eth/day");
    for text in ["", "30", "gwei", "-1gwei", "1.5wei", "1e9wei", "1.2.3eth"] {
        assert!(text.parse::<Wei>().is_err(), "{text}");
    }
    assert!("1eth".parse::<WeiPerDay>().is_err());
}

#[test]
fn an_endpoint_may_stand_alone_or_in_a_list_and_come_from_elsewhere() {
    let read = |text: &str| {
        let toml = format!("[da.ethereum]\nrpc = {text}\n");
        let values: RollupToml = toml_edit::de::from_str(&toml).expect("parses");
        values.da.ethereum.rpc.0
    };
    let address = Endpoint::Address("http://127.0.0.1:1".into());
    let source = Endpoint::Source(Secret::Env("ETH_RPC".into()));
    assert_eq!(
        read("\"http://127.0.0.1:1\""),
        std::slice::from_ref(&address)
    );
    assert_eq!(read("{ env = \"ETH_RPC\" }"), std::slice::from_ref(&source));
    let both = read("[\"http://127.0.0.1:1\", { env = \"ETH_RPC\" }]");
    assert_eq!(both, [address, source]);
}

#[test]
fn what_celestia_is_told_is_read_and_written_alike() {
    let hash = "6B".repeat(32);
    let toml = format!(
        "[da]\nuse = \"celestia\"\n[da.celestia]\nrpc = \"http://127.0.0.1:26658\"\ncheckpoint = {{ height = 7, hash = \"{hash}\" }}\ngas-price = \"0.002\"\ngrpc = \"http://127.0.0.1:9090\"\nsigner = {{ env = \"TIA_KEY\" }}\naccounts = [{{ file = \"b.key\" }}]\nmax-spend = \"5.5tia/day\"\n"
    );
    let values: RollupToml = toml_edit::de::from_str(&toml).expect("parses");
    let celestia = &values.da.celestia;
    let checkpoint = celestia.checkpoint.expect("named");
    assert_eq!(checkpoint.height, 7);
    assert_eq!(checkpoint.hash, rollwright_core::B256::repeat_byte(0x6b));
    assert_eq!(celestia.gas_price.to_string(), "0.002utia");
    assert_eq!(celestia.signer, Some(Secret::Env("TIA_KEY".into())));
    assert_eq!(celestia.accounts, [Secret::File("b.key".into())]);
    assert_eq!(celestia.max_spend.expect("named").0, 5_500_000);
    assert_eq!(
        celestia.max_spend.expect("named").to_string(),
        "5500000utia/day"
    );
    let written = toml_edit::ser::to_string_pretty(&values).expect("written");
    let again: RollupToml = toml_edit::de::from_str(&written).expect("parses");
    assert_eq!(again, values);
}

#[test]
fn a_gas_price_that_is_none_is_refused_with_its_line() {
    let error = load("[da.celestia]\ngas-price = \"cheap\"\n").expect_err("refused");
    assert!(error.to_string().contains("rollup.toml:2"), "{error}");
}

#[test]
fn amounts_per_day_on_celestia_are_whole_utia() {
    let read = |text: &str| text.parse::<UtiaPerDay>().map(|limit| limit.0);
    assert_eq!(read("5tia/day"), Ok(5_000_000));
    assert_eq!(read("0.000001tia/day"), Ok(1));
    assert_eq!(read("600000utia/day"), Ok(600_000));
    for text in [
        "5tia",
        "5/day",
        "0.0000001tia/day",
        "1.5utia/day",
        "-1tia/day",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    let error = load("[da.celestia]\nsigner = \"0707\"\n").expect_err("refused");
    assert!(!error.to_string().contains("0707"), "{error}");
}

#[test]
fn a_layer_has_one_name_in_both_files() {
    for choice in [DaChoice::Local, DaChoice::Celestia, DaChoice::Ethereum] {
        let name = serde_json::to_value(choice).expect("json");
        assert_eq!(name, choice.layer());
        assert_eq!(DaChoice::of_layer(choice.layer()), Some(choice));
    }
    assert_eq!(DaChoice::of_layer("carrier-pigeon"), None);
}
