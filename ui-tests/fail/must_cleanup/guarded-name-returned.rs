//! A guarded name borrows its hidden owner, so no return type takes it. Its value is meant.

use std::fs::{File, remove_file};
use std::io;

use backstop::must_cleanup;

#[must_cleanup]
fn the_main_use() -> io::Result<File> {
    #[cleanup(remove_file("x"), on = failure)]
    let file = File::create("x")?;
    Ok(file)
}

#[must_cleanup]
fn as_it_is() -> String {
    #[cleanup(println!("{text}"), on = failure)]
    let text = String::new();
    text
}

#[must_cleanup]
fn in_branches(early: bool) -> Option<(String, u8)> {
    #[cleanup(println!("{text}"))]
    let text = String::new();
    #[cleanup(println!("{number}"))]
    let number = 3;
    if early {
        return Some((text, 1));
    }
    match *number {
        1 => None,
        _ => {
            println!("{text}");
            Some((text.clone(), number))
        }
    }
}

#[must_cleanup]
async fn of_an_async_cleanup() -> Result<String, ()> {
    #[cleanup(async { drop(text) }, on = failure)]
    let text = String::new();
    Ok(text)
}

fn main() {
    drop((the_main_use(), as_it_is(), in_branches(true), of_an_async_cleanup()));
}
