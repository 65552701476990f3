//! Who waits for the root token, and what its waker does when that is cancelled.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use backstop::cancel_token;

use super::{say, stuck};

struct Blocks;

impl Wake for Blocks {
    fn wake(self: Arc<Self>) {
        stuck();
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("in the waker");
    }
}

pub(super) fn play(part: &str) {
    let waker = match part {
        "waker_blocks" => Waker::from(Arc::new(Blocks)),
        "waker_panics" => Waker::from(Arc::new(Panics)),
        other => panic!("no such part: {other}"),
    };
    let mut wait = cancel_token().cancelled();
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    say("ready");
    stuck();
}
