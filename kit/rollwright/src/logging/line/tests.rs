use super::shortened;

#[test]
fn hashes_alone_are_shortened() {
    let hash = format!("0x12ab{}9a3f", "0".repeat(56));
    assert_eq!(shortened(&hash).as_deref(), Some("0x12ab…9a3f"));
    let address = format!("0x{}", "a".repeat(40));
    let not_hex = format!("0x{}", "é".repeat(32));
    let words = format!("{hash} and more");
    for other in ["", "0x", "14", &address, &not_hex, &words, &hash[2..]] {
        assert_eq!(shortened(other), None, "{other}");
    }
}
