//! An owner that does what it is told: one command a line on standard input, one answer a line on
//! standard output. Its arguments are `LOG OPTION..`.

use std::env;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use backstop::__private::reaper::{self, Kept};
use backstop::Action;
use backstop::reaper::{Builder, OnFork};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() {
    reaper::if_reaper_then_serve();
    let started = start(&mut env::args().skip(1));
    say(&answer(started.map(|()| reaper::pid().map_or("none".to_owned(), |pid| pid.to_string()))));
    let mut kept = Vec::new();
    for line in io::stdin().lock().lines() {
        let line = line.expect("commands are lines");
        let mut words = line.split(' ');
        let result = obey(words.next().unwrap_or_default(), &words.collect::<Vec<_>>(), &mut kept);
        if line == "return" {
            return;
        }
        say(&answer(result));
    }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", line.escape_default())
        .and_then(|()| out.flush())
        .expect("somebody listens");
}

fn answer(result: Result<String>) -> String {
    result.unwrap_or_else(|error| format!("error: {error}"))
}

fn start(arguments: &mut dyn Iterator<Item = String>) -> Result<()> {
    let mut builder = Builder::new();
    if let Some(log) = arguments.next() {
        builder = builder.log(log);
    }
    let mut from_main = true;
    for option in arguments {
        builder = match option.split_once('=').unwrap_or((&option, "")) {
            ("reap", _) => builder.on_fork(OnFork::Reap),
            ("deadline", millis) => builder.deadline(Duration::from_millis(millis.parse()?)),
            ("action-deadline", millis) => {
                builder.action_deadline(Duration::from_millis(millis.parse()?))
            }
            ("acknowledged", _) => builder.acknowledged(true),
            ("helper", path) => {
                from_main = false;
                if path.is_empty() { builder } else { builder.helper(path) }
            }
            ("without", _) => return Ok(()),
            ("setuid", id) => {
                change_user(id.parse()?)?;
                builder
            }
            ("seteuid", id) => {
                let id: u32 = id.parse()?;
                // SAFETY: changes this process's user, nothing else.
                checked(unsafe { libc::seteuid(id) })?;
                builder
            }
            _ => return Err(format!("unknown option {option}").into()),
        };
    }
    if from_main {
        reaper::start_from_main_with(builder)?;
        // It is not waited for otherwise.
        backstop::reaper::check()?;
    } else {
        builder.start()?;
    }
    Ok(())
}

fn obey(command: &str, words: &[&str], kept: &mut Vec<Kept>) -> Result<String> {
    match (command, words) {
        ("keep", [path]) => keep(Path::new(path), kept)?,
        ("keep-many", [directory, count]) => {
            for number in 0..count.parse::<u32>()? {
                keep(&Path::new(directory).join(number.to_string()), kept)?;
            }
        }
        ("intend", [path]) => {
            kept.push(intend(kept, Action::remove_file(path))?);
        }
        ("run", words @ [program, ..]) => {
            let action = Action::run(Command::new(program).args(&words[1..]));
            let mut one = intend(kept, action)?;
            one.commit()?;
            kept.push(one);
        }
        ("long", [length]) => {
            let path = format!("/{}", "x".repeat(length.parse::<usize>()? - 1));
            intend(kept, Action::remove_file(path))?;
        }
        ("forget", [number]) => kept[number.parse::<usize>()?].forget()?,
        ("pid", []) => return Ok(reaper::pid().map_or("none".to_owned(), |pid| pid.to_string())),
        ("check", []) => backstop::reaper::check()?,
        ("start", []) => {
            reaper::start_from_main()?;
            backstop::reaper::check()?;
        }
        ("setuid", [id]) => change_user(id.parse()?)?,
        ("setruid", [id]) => {
            // SAFETY: changes this process's user, nothing else.
            checked(unsafe { libc::setreuid(id.parse()?, libc::uid_t::MAX) })?;
        }
        ("no-new-privs", []) => rustix::thread::set_no_new_privs(true)?,
        ("close", []) => close_all()?,
        ("close-and-hear", [directory, count]) => {
            return close_and_hear(Path::new(directory), count.parse()?);
        }
        ("take-places", [count]) => take_places(count.parse()?)?,
        ("open", [path, count]) => {
            for _ in 0..count.parse::<u32>()? {
                std::mem::forget(File::create(path)?);
            }
        }
        ("size", [path]) => return Ok(fs::metadata(path)?.len().to_string()),
        ("pipe", []) => inheritable_pipe()?,
        ("wait-all", []) => return wait_all(),
        ("fork", []) => return fork(),
        ("fork-registers", [path]) => return fork_registers(path),
        ("sends", words) => send(&words.concat())?,
        ("fork-sends", words) => fork_sends(&words.concat())?,
        ("exec", words @ [program, ..]) => {
            return Err(Command::new(program).args(&words[1..]).exec().into());
        }
        // SAFETY: has no preconditions.
        ("_exit", [status]) => unsafe { libc::_exit(status.parse()?) },
        ("kill", [signal]) => {
            // SAFETY: has no preconditions.
            checked(unsafe { libc::kill(libc::getpid(), signal.parse()?) })?;
        }
        ("orphan", [script]) => {
            // The shell in between ends at once.
            Command::new("/bin/sh").args(["-c", "/bin/sh $0 &", script]).status()?;
        }
        ("abort", []) => std::process::abort(),
        ("segv", []) => {
            // SAFETY: not at all: nothing is mapped there, and the process ends by it.
            unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(0) };
        }
        ("return", []) => {}
        _ => return Err(format!("unknown command {command}").into()),
    }
    Ok("ok".to_owned())
}

/// Announces what the next action will be.
fn intend(kept: &[Kept], action: Action) -> Result<Kept> {
    let one = Kept::new(kept.len() as u64, action)?;
    one.intend()?;
    Ok(one)
}

/// Announces a file, creates it, and tells that it exists.
fn keep(path: &Path, kept: &mut Vec<Kept>) -> Result<()> {
    let mut one = intend(kept, Action::remove_file(path))?;
    File::create_new(path)?;
    one.commit()?;
    kept.push(one);
    Ok(())
}

fn checked(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn change_user(id: u32) -> io::Result<()> {
    // SAFETY: these change this process's user and group, nothing else.
    checked(unsafe { libc::setgid(id) }).and_then(|()| checked(unsafe { libc::setuid(id) }))
}

/// As daemons do.
fn close_all() -> io::Result<()> {
    // SAFETY: not safe for others in this process who own descriptors: they are what is tested.
    match unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Closes everything, opens pairs of sockets, registers, and tells how many of them have got something.
fn close_and_hear(directory: &Path, count: usize) -> Result<String> {
    close_all()?;
    let pairs = (0..count).map(|_| socket_pair()).collect::<io::Result<Vec<_>>>()?;
    for number in 0..20 {
        intend(&[], Action::remove_file(directory.join(format!("heard-{number}"))))?;
    }
    let ends = pairs.iter().flat_map(|(one, other)| [one, other]);
    let mut polled: Vec<_> = ends.map(|end| PollFd::new(end, PollFlags::IN)).collect();
    Ok(rustix::event::poll(&mut polled, Some(&Timespec::default()))?.to_string())
}

/// Sockets on which nobody says anything, until there is one with a number above `count`.
fn take_places(count: i32) -> io::Result<()> {
    loop {
        let (one, other) = socket_pair()?;
        let highest = one.as_raw_fd().max(other.as_raw_fd());
        std::mem::forget((one, other));
        if highest > count {
            return Ok(());
        }
    }
}

fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// A pipe's writing end that children inherit, as number 77.
fn inheritable_pipe() -> io::Result<()> {
    let out = CString::from(c"/proc/self/fd/1");
    // SAFETY: the path is a C string; number 77 is nobody's.
    let opened = unsafe { libc::open(out.as_ptr(), libc::O_WRONLY) };
    // SAFETY: as above.
    if opened < 0 || unsafe { libc::dup2(opened, 77) } != 77 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Waits for children until there are none.
fn wait_all() -> Result<String> {
    let mut count = 0;
    loop {
        // SAFETY: no status is asked for.
        if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } > 0 {
            count += 1;
            continue;
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::ECHILD) => return Ok(count.to_string()),
            _ => return Err(error.into()),
        }
    }
}

/// A fork that lives until standard input ends.
fn fork() -> Result<String> {
    // SAFETY: the child only reads and exits.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error().into()),
        0 => {
            // It takes no commands, which are its parent's; only the end of them.
            let mut end = libc::pollfd { fd: 0, events: 0, revents: 0 };
            // SAFETY: `end` is one entry; `_exit` has no preconditions.
            unsafe {
                while libc::poll(&raw mut end, 1, -1) != 1 {}
                libc::_exit(0)
            }
        }
        child => Ok(child.to_string()),
    }
}

/// Sends bytes to the reaper, past everything that would refuse to.
fn send(hexadecimal: &str) -> Result<()> {
    let digits = hexadecimal.as_bytes().chunks(2).map(std::str::from_utf8);
    let bytes = digits.map(|two| Ok(u8::from_str_radix(two?, 16)?)).collect::<Result<Vec<u8>>>()?;
    for number in 3..300 {
        // SAFETY: `bytes` outlives the call; what is no socket of this kind takes nothing.
        let sent = unsafe { libc::send(number, bytes.as_ptr().cast(), bytes.len(), 0) };
        if usize::try_from(sent).is_ok_and(|sent| sent == bytes.len()) {
            return Ok(());
        }
    }
    Err("there is no channel".into())
}

fn fork_sends(hexadecimal: &str) -> Result<()> {
    // SAFETY: this program has one more thread, which holds no lock that the child takes.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error().into()),
        0 => {
            let status = send(hexadecimal).is_err().into();
            // SAFETY: has no preconditions.
            unsafe { libc::_exit(status) }
        }
        child => {
            let mut status = 0;
            // SAFETY: `status` outlives the call.
            let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
            if waited == child && status == 0 { Ok(()) } else { Err("it sent nothing".into()) }
        }
    }
}

/// A fork that tries to register a file, and reports what came of it.
fn fork_registers(path: &str) -> Result<String> {
    let (reader, writer) = rustix::pipe::pipe()?;
    let (reader, mut writer) = (File::from(reader), File::from(writer));
    // SAFETY: this program has one more thread, which holds no lock that the child takes.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error().into()),
        0 => {
            let result = intend(&[], Action::remove_file(path)).map(|_| "ok".to_owned());
            let _ = writer.write_all(answer(result).as_bytes());
            // SAFETY: has no preconditions.
            unsafe { libc::_exit(0) }
        }
        _ => {
            drop(writer);
            Ok(io::read_to_string(reader)?)
        }
    }
}
