//! What an `async` main owes through a socket of its runtime is done at every end.

mod shutdown_support;

use std::io::Read as _;
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::process::Signal;

use shutdown_support::{DEADLINE, Ended, Program, start_command};

/// On the main thread alone, and with workers; both with a short grace period.
const BOTH: [&str; 2] = [env!("CARGO_BIN_EXE_tasks_alone"), env!("CARGO_BIN_EXE_tasks_hasty")];
/// The same with a grace period that no test waits for.
const PATIENT: [&str; 2] =
    [env!("CARGO_BIN_EXE_tasks_patient"), env!("CARGO_BIN_EXE_tasks_workers")];

/// A program with somebody at the other end of its socket.
struct Connected {
    program: Program,
    said: Receiver<String>,
}

fn start(program: &str, part: &str) -> Connected {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut command = Command::new(program);
    command.arg(part).arg(listener.local_addr().unwrap().to_string());
    let program = start_command(command);
    let (send, said) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = listener.accept().and_then(|(mut stream, _)| stream.read_to_string(&mut text));
        // What ends without closing its side has said nothing more.
        drop(read);
        let _ = send.send(text);
    });
    program.expect("ready");
    Connected { program, said }
}

impl Connected {
    #[track_caller]
    fn end(self) -> (Ended, String) {
        let ended = self.program.wait();
        (ended, self.said.recv_timeout(DEADLINE).expect("the socket is closed"))
    }

    #[track_caller]
    fn says_goodbye(self) -> Ended {
        let (ended, said) = self.end();
        assert_eq!(said, "goodbye", "{ended:?}");
        ended
    }
}

#[test]
fn when_the_end_is_forced() {
    for part in ["goodbye_when_forced", "goodbye_of_a_scope"] {
        for program in BOTH {
            let connected = start(program, part);
            connected.program.signal(Signal::TERM);
            let ended = connected.says_goodbye();
            ended.by(Signal::TERM);
            assert!(!ended.stderr.contains("cleanup"), "{}", ended.stderr);
        }
    }
}

#[test]
fn when_main_returns() {
    for program in PATIENT {
        let ended = start(program, "goodbye_of_what_was_dropped").says_goodbye();
        ended.with_code(7).silently();
    }
}

/// tokio aborts a task that it alone knows when it shuts down, and there is no I/O then.
#[test]
fn that_of_a_task_which_nobody_scoped_fails_and_is_reported() {
    for program in PATIENT {
        let (ended, said) = start(program, "goodbye_of_a_task").end();
        ended.with_code(7).warned("cleanup `stream` failed on cancel at ");
        assert_eq!(said, "");
    }
}

#[test]
fn when_main_panics_or_exits() {
    for program in PATIENT {
        let ended = start(program, "goodbye_on_panic").says_goodbye();
        ended.with_code(101).warned("in main");
        let ended = start(program, "goodbye_on_exit").says_goodbye();
        ended.with_code(7).silently();
    }
}

#[test]
fn one_that_never_ends_is_cut_off_and_named() {
    let returned = BOTH.map(|program| start(program, "goodbye_never_ends"));
    let forced = BOTH.map(|program| start(program, "goodbye_never_ends_when_forced"));
    for connected in &forced {
        connected.program.signal(Signal::TERM);
    }
    for connected in returned {
        let (ended, _) = connected.end();
        ended.with_code(7).warned("cleanup `stream` at ");
    }
    for connected in forced {
        let (ended, _) = connected.end();
        ended.by(Signal::TERM).warned("cleanup `stream` at ");
    }
}

#[test]
fn one_that_never_ends_is_cut_off_by_signals() {
    for part in ["goodbye_never_ends", "goodbye_never_ends_when_forced"] {
        for program in PATIENT {
            let connected = start(program, part);
            connected.program.signal_until_it_ends(Signal::TERM).by(Signal::TERM);
        }
    }
}

#[test]
fn a_task_that_never_yields_does_not_keep_a_main_that_has_ended() {
    let [alone, _] = BOTH;
    let (ended, _) = start(alone, "goodbye_beside_a_task_that_is_stuck").end();
    ended.with_code(7).warned(
        "backstop: `main` has ended, and tasks on 1 of its runtime's threads did not end within 200ms",
    );
}
