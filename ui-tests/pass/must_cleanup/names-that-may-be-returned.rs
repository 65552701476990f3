//! What has the name of a guard, and is none where it is returned.
#![deny(warnings)]

use backstop::{Guard, must_cleanup};

macro_rules! dismissed {
    ($name:ident) => {
        let $name = Guard::dismiss($name);
    };
}

#[must_cleanup]
fn copied() -> Option<u8> {
    #[cleanup(println!("{value}"))]
    let value = 1;
    Some(*value)
}

#[must_cleanup]
fn rebound() -> String {
    #[cleanup(println!("{value}"), on = failure)]
    let value = String::from("2");
    let value = Guard::dismiss(value);
    value
}

#[must_cleanup]
fn rebound_by_a_macro() -> String {
    #[cleanup(println!("{value}"), on = failure)]
    let value = String::from("3");
    dismissed!(value);
    value
}

#[must_cleanup]
fn shadowed(other: Option<u8>) -> Option<u8> {
    #[cleanup(println!("{value}"))]
    let value = 4;
    if let Some(value) = other
        && value > 8
    {
        return Some(value);
    }
    for value in [6, 7] {
        if other == Some(1) {
            return Some(value);
        }
    }
    while let Some(value) = other.filter(|value| *value > 7) {
        return Some(value);
    }
    let by_closure = |value: u8| Some(value);
    match other {
        Some(value) => Some(value),
        None => by_closure(*value),
    }
}

#[must_cleanup]
fn of_an_inner_block(value: u8) -> u8 {
    {
        #[cleanup(println!("{value}"))]
        let value = 5;
        println!("{value}");
    }
    value
}

#[must_cleanup]
fn before_it(value: Option<u8>) -> u8 {
    let number = 6;
    let Some(value) = value else { return number };
    #[cleanup(println!("{number}"))]
    let number = value;
    *number
}

#[must_cleanup]
fn by_configuration() -> u8 {
    let value = 7;
    #[cfg(any())]
    #[cleanup(println!("{value}"))]
    let value = 8;
    value
}

fn main() {
    assert_eq!(copied(), Some(1));
    assert_eq!(rebound(), "2");
    assert_eq!(rebound_by_a_macro(), "3");
    assert_eq!(shadowed(Some(9)), Some(9));
    assert_eq!(shadowed(None), Some(4));
    assert_eq!(of_an_inner_block(5), 5);
    assert_eq!(before_it(None), 6);
    assert_eq!(by_configuration(), 7);
}
