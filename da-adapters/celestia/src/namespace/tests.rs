use super::*;

#[test]
fn a_text_is_padded_on_the_left() {
    let namespace = parse_namespace("gizmo").unwrap();
    assert_eq!(
        namespace_text(namespace),
        "0x000000000000000000000000000000000000000000000067697a6d6f".replacen("0x", "0x00", 1)
    );
    assert_eq!(namespace.id_v0().unwrap(), b"\0\0\0\0\0gizmo");
}

#[test]
fn every_spelling_of_one_namespace_is_the_same() {
    let namespace = parse_namespace("gizmo").unwrap();
    let full = namespace_text(namespace);
    for text in ["0x67697a6d6f", "0x000067697A6D6F", full.as_str()] {
        assert_eq!(parse_namespace(text).unwrap(), namespace, "{text}");
    }
}

#[test]
fn what_is_no_namespace_is_refused_by_name() {
    let other_version = format!("0x01{}", "00".repeat(28));
    let not_zero = format!("0x00{}{}", "01".repeat(18), "02".repeat(10));
    for text in [
        "",
        "eleven char",
        "0x",
        "0xzz",
        "0x123",
        &format!("0x{}", "11".repeat(11)),
        &other_version,
        &not_zero,
        "ééééééé",
    ] {
        let error = parse_namespace(text).unwrap_err();
        assert!(
            matches!(error, NamespaceError::Spelling(_)),
            "{text}: {error}"
        );
    }
}

#[test]
fn reserved_namespaces_are_refused() {
    for text in ["0x01", "0x04", "0xff", "\u{1}"] {
        assert!(matches!(
            parse_namespace(text),
            Err(NamespaceError::Reserved(_))
        ));
    }
    let tail = namespace_text(Namespace::TAIL_PADDING);
    assert!(matches!(
        parse_namespace(&tail),
        Err(NamespaceError::Reserved(_))
    ));
}
