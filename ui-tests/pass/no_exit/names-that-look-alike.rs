//! Names that merely look like an exit.

#![deny(warnings)]

use backstop::no_exit;
use std::collections::HashMap;

struct Room(u32);

impl Room {
    fn exit(&mut self) {
        self.0 -= 1;
    }

    fn abort(&self) -> bool {
        self.0 == 0
    }

    fn raise(&mut self, by: u32) {
        self.0 += by;
    }

    fn kill(self) -> u32 {
        self.0
    }
}

struct AbortHandle;

impl AbortHandle {
    fn abort(&self) {}
}

struct Cache(HashMap<u8, u8>);

impl Cache {
    fn forget(&mut self, key: u8) -> Option<u8> {
        self.0.remove(&key)
    }
}

struct Query;

impl Query {
    fn exec(&self) -> Result<u32, String> {
        Ok(1)
    }
}

#[allow(non_camel_case_types)]
struct process {
    exit: u32,
}

impl process {
    fn abort(&self) -> u32 {
        self.exit
    }
}

fn exit(code: i32) -> i32 {
    code
}

mod game {
    pub fn exit() -> &'static str {
        "door"
    }

    pub mod process {
        pub fn exit_code() -> u8 {
            3
        }
    }
}

#[no_exit]
fn method_exit(room: &mut Room) {
    room.exit();
    room.raise(2);
}

#[no_exit]
fn methods_abort_and_kill(room: Room) -> u32 {
    if room.abort() { 0 } else { room.kill() }
}

#[no_exit]
fn abort_handle(handle: &AbortHandle) {
    handle.abort();
    AbortHandle::abort(handle);
}

#[no_exit]
fn cache_forget(cache: &mut Cache, k: u8) -> Option<u8> {
    cache.forget(k)
}

#[no_exit]
fn own_exec(query: &Query) -> Result<u32, String> {
    query.exec()
}

#[no_exit]
fn own_struct() -> u32 {
    let process = process { exit: 1 };
    process.exit + process.abort()
}

#[no_exit]
fn function_of_the_file() -> i32 {
    exit(1) + crate::exit(2)
}

#[no_exit]
fn local_function() -> i32 {
    fn exit(code: i32) -> i32 {
        code * 2
    }
    fn abort() {}
    abort();
    exit(1)
}

#[no_exit]
fn function_of_a_module() -> &'static str {
    let _ = game::process::exit_code();
    game::exit()
}

#[no_exit]
fn imported_from_a_module() -> &'static str {
    use game::exit;
    exit()
}

#[no_exit]
fn variables(abort: bool, exit: u8) -> u8 {
    let forget = exit + 1;
    if abort { forget } else { exit }
}

#[no_exit]
fn called_variables(exit: impl Fn(i32) -> i32) -> i32 {
    let abort = || 1;
    exit(1) + abort()
}

#[no_exit]
fn fields_and_labels() -> u8 {
    struct Options {
        exit: u8,
        abort: Option<fn() -> u8>,
    }
    let options = Options { exit: 1, abort: None };
    'exit: loop {
        break 'exit options.abort.map_or(options.exit, |abort| abort());
    }
}

#[no_exit]
fn enums() -> bool {
    #[derive(PartialEq)]
    enum Action {
        Exit(u8),
        Abort { code: u8 },
    }
    Action::Exit(1) == Action::Abort { code: 1 } || matches!(Action::Exit(2), Action::Exit(_))
}

/// Calls `std::process::exit` in the comments only.
#[no_exit]
fn strings_and_comments() -> String {
    // std::process::exit(1)
    /* std::process::abort() */
    let text = "std::process::exit(1)";
    println!("process::abort() {text} {}", r#"libc::_exit(1)"#);
    format!("{}", stringify!(text))
}

#[no_exit]
fn process_without_an_exit() -> u32 {
    use std::process::{self, Command, ExitCode, Stdio};
    let _ = ExitCode::from(1);
    let _ = Command::new("true").stdin(Stdio::null()).status();
    process::id() + std::process::id()
}

#[no_exit]
fn kill_of_another_process(pid: i32) -> i32 {
    mod libc {
        pub fn kill(pid: i32, signal: i32) -> i32 {
            pid + signal
        }
    }
    libc::kill(pid, 9)
}

fn main() {
    let mut room = Room(3);
    method_exit(&mut room);
    assert_eq!(methods_abort_and_kill(room), 4);
    abort_handle(&AbortHandle);
    assert_eq!(cache_forget(&mut Cache(HashMap::from([(1, 2)])), 1), Some(2));
    assert_eq!(own_exec(&Query), Ok(1));
    assert_eq!(own_struct(), 2);
    assert_eq!(function_of_the_file(), 3);
    assert_eq!(local_function(), 2);
    assert_eq!(function_of_a_module(), "door");
    assert_eq!(imported_from_a_module(), "door");
    assert_eq!(variables(true, 1), 2);
    assert_eq!(called_variables(|code| code), 2);
    assert_eq!(fields_and_labels(), 1);
    assert!(enums());
    assert_eq!(strings_and_comments(), "text");
    assert!(process_without_an_exit() > 0);
    assert_eq!(kill_of_another_process(1), 10);
}
