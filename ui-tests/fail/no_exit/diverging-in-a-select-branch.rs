// What rustc has to say of the rest of these bodies is not the subject.
#![allow(unreachable_code)]

use std::future::{pending, ready};

use backstop::{must_cleanup, no_exit};

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
async fn handler() {
    tokio::select! {
        () = ready(()) => die(),
    }
}

#[no_exit]
async fn block() {
    tokio::select! {
        biased;
        () = pending() => {}
        () = ready(()), if true => { die(); }
        else => { die() }
    }
}

#[must_cleanup]
async fn condition(stop: bool) {
    tokio::select! {
        () = ready(()), if stop || die() => {}
        () = pending() => {}
    }
}

#[no_exit]
async fn future() {
    tokio::select! {
        () = { die(); ready(()) } => {}
    }
}

fn main() {
    drop((handler(), block(), condition(true), future()));
}
