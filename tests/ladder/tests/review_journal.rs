//! What `recover` says of the program that calls it.
#![cfg(target_os = "linux")]

#[test]
fn a_program_that_is_alone_is_not_among_the_others_that_are_alive() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let journal = home.path().join("journal");
    backstop::__private::journal::open(Some(&journal)).unwrap();
    assert_eq!(backstop::recover().unwrap().owners_alive, 0);
}
