//! Runs the programs of `fail/`.

#[test]
fn a_missing_feature_is_named_where_it_is_used() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
