//! `backstop::exit` unwinds, so that it is no exit in the sense of `#[no_exit]`.
#![deny(warnings)]

use backstop::no_exit;

#[no_exit]
fn by_full_path(status: i32) -> u8 {
    match u8::try_from(status) {
        Ok(status) => status,
        Err(_) => backstop::exit(status),
    }
}

#[no_exit]
fn by_absolute_path(status: Option<u8>) -> u8 {
    status.unwrap_or_else(|| ::backstop::exit(1))
}

#[no_exit]
fn by_import(status: Option<u8>) -> u8 {
    use backstop::exit;
    let Some(status) = status else { exit(1) };
    status
}

#[no_exit]
fn by_another_name(status: Option<u8>) -> u8 {
    use backstop::exit as leave;
    let Some(status) = status else { leave(1) };
    status
}

#[backstop::must_cleanup]
fn under_must_cleanup(status: Option<u8>) -> u8 {
    #[cleanup(println!("closed"))]
    let _open = 1;
    let Some(status) = status else { backstop::exit(1) };
    status
}

fn main() {
    let status = Some(by_full_path(1));
    let status = [by_absolute_path, by_import, by_another_name, under_must_cleanup].map(|f| f(status));
    assert_eq!(status, [1; 4]);
}
