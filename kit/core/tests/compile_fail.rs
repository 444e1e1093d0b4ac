//! What the compiler says where a layer is missing is part of the interface.
//! `TRYBUILD=overwrite` writes the expected text anew, which a new compiler may
//! word differently.

#[test]
fn the_compiler_names_the_missing_layer_and_the_cure() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
