#![deny(warnings)]

use backstop::{must_cleanup, no_exit, scoped_spawn};
use std::thread;

#[no_exit]
#[must_cleanup]
#[scoped_spawn(limit = 2)]
fn one_order(names: &[String]) -> usize {
    #[cleanup(println!("closed"))]
    let longest = thread::spawn(|| names.iter().map(String::len).max()).join().unwrap();
    longest.unwrap_or_default()
}

#[scoped_spawn]
#[must_cleanup]
#[no_exit]
fn the_other_order(names: &[String]) -> usize {
    #[cleanup(println!("closed"))]
    let longest = thread::spawn(|| names.iter().map(String::len).max()).join().unwrap();
    longest.unwrap_or_default()
}

struct Server;

#[no_exit]
impl Server {
    #[must_cleanup]
    fn own_and_of_the_container(&self) -> u8 {
        #[cleanup(println!("closed"))]
        let x = 1;
        *x
    }

    #[backstop::no_exit]
    #[backstop::scoped_spawn]
    fn both_of_its_own(&self) -> u8 {
        thread::spawn(|| 1).join().unwrap()
    }
}

fn main() {
    let names = [String::from("ab")];
    assert_eq!(one_order(&names) + the_other_order(&names), 4);
    assert_eq!(Server.own_and_of_the_container() + Server.both_of_its_own(), 2);
}
