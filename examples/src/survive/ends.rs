//! The ways to end, from inside the process.
#![allow(clippy::unnecessary_wraps, reason = "each has the type of `row::End`, and others fail")]

use std::env;
use std::hint;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::panic;
use std::process::{self, Command};
use std::thread;

use rustix::process::{Signal, getpid, kill_process};

use super::child::{EXECED, Stage, await_leave_to_go_on, say};
use super::columns::Leave;
use super::raw;

/// Why the function that holds the resource ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("the row ends so")]
    AsItShould,
    #[error("this kind of cleanup is one of tasks")]
    OnlyForTasks,
    #[error(transparent)]
    Io(#[from] io::Error),
}

type Ended = Result<Leave, Failed>;

pub(super) fn go_on(_: &'static Stage) -> Ended {
    Ok(Leave::End)
}

/// Once by `return`, and once by `?`.
pub(super) fn leave_early(stage: &'static Stage) -> Ended {
    if stage.is_first() { Ok(Leave::Early) } else { Err(Failed::AsItShould) }
}

pub(super) fn forget(_: &'static Stage) -> Ended {
    Ok(Leave::Forget)
}

pub(super) fn panics(_: &'static Stage) -> Ended {
    panic!("the row panics");
}

pub(super) fn panics_twice(_: &'static Stage) -> Ended {
    struct Loud;
    impl Drop for Loud {
        fn drop(&mut self) {
            panic!("a destructor panics, too");
        }
    }
    let _loud = Loud;
    panic!("the row panics");
}

pub(super) fn panics_without_unwinding(_: &'static Stage) -> Ended {
    if cfg!(panic = "unwind") {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            hook(info);
            process::abort();
        }));
    }
    panic!("the row panics");
}

pub(super) fn panic_across_extern_c(_: &'static Stage) -> Ended {
    extern "C" fn callback() {
        panic!("a callback panics");
    }
    callback();
    Ok(Leave::End)
}

pub(super) fn wait_for_ever(_: &'static Stage) -> Ended {
    loop {
        thread::park();
    }
}

pub(super) fn process_exit(_: &'static Stage) -> Ended {
    process::exit(3);
}

pub(super) fn process_exit_elsewhere(stage: &'static Stage) -> Ended {
    thread::spawn(|| process::exit(3));
    wait_for_ever(stage)
}

pub(super) fn backstop_exit(_: &'static Stage) -> Ended {
    backstop::exit(4);
}

pub(super) fn announce_the_grace_period(stage: &'static Stage) -> Ended {
    backstop::cancel_token().wait();
    say("grace")?;
    wait_for_ever(stage)
}

pub(super) fn abort(_: &'static Stage) -> Ended {
    process::abort();
}

pub(super) fn exit_at_once(_: &'static Stage) -> Ended {
    raw::exit_at_once(3);
}

/// Becomes this very program, which then only exits.
pub(super) fn exec(_: &'static Stage) -> Ended {
    Err(Command::new(env::current_exe()?).env(EXECED, "5").exec().into())
}

pub(super) fn segfault(_: &'static Stage) -> Ended {
    raw::write_where_it_is_forbidden()?;
    Ok(Leave::End)
}

pub(super) fn overflow_the_stack(stage: &'static Stage) -> Ended {
    #[allow(unconditional_recursion, reason = "it is to overflow")]
    fn deeper(depth: u64) -> u64 {
        let frame = hint::black_box([depth; 64]);
        deeper(depth + 1) + frame[0]
    }
    thread::Builder::new().stack_size(64 * 1024).spawn(|| hint::black_box(deeper(0)))?;
    wait_for_ever(stage)
}

pub(super) fn killed_while_allocating(_: &'static Stage) -> Ended {
    const BYTES: usize = 16 << 20;
    let mut memory: Vec<u8> = Vec::with_capacity(BYTES);
    for page in 0.. {
        memory.resize(page * 4096, 1);
        if memory.len() * 2 > BYTES {
            kill_process(getpid(), Signal::KILL).map_err(io::Error::from)?;
        }
    }
    Ok(Leave::End)
}

pub(super) fn become_a_daemon(_: &'static Stage) -> Ended {
    raw::double_fork()?;
    say("daemon")?;
    await_leave_to_go_on();
    Ok(Leave::End)
}

pub(super) fn fork_a_child_that_exits(_: &'static Stage) -> Ended {
    raw::fork_a_child_that_exits()?;
    say("forked")?;
    await_leave_to_go_on();
    Ok(Leave::End)
}
