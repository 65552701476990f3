//! Owns a journal, and does what the lines on stdin say; each is answered by one line on stdout.
//!
//! Arguments: the journal, or nothing for the default one.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use backstop::__private::journal::{self, Registration};
use backstop::{Action, Survives, scratch};
use rustix::process::{Resource, Rlimit, setrlimit};

fn main() {
    let place = env::args_os().nth(1);
    answer(
        journal::open(place.as_deref().map(Path::new))
            .map(|recovery| recovery.performed.len().to_string()),
    );
    let mut registrations = HashMap::new();
    for line in io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<_> = line.split(' ').collect();
        answer(perform(&words, &mut registrations));
    }
}

fn answer(result: io::Result<String>) {
    let line = match result {
        Ok(text) => format!("ok {text}\n"),
        Err(e) => format!("error {:?} {e}\n", e.kind()),
    };
    io::stdout().write_all(line.as_bytes()).unwrap();
}

fn perform(words: &[&str], registrations: &mut HashMap<u64, Registration>) -> io::Result<String> {
    let key = || words[1].parse().unwrap();
    match words[0] {
        "intend" => {
            let registration = Registration::intend(key(), Action::remove_file(words[2]))?;
            registrations.insert(key(), registration);
        }
        "intend-program" => {
            let registration = Registration::intend(key(), Action::run(&Command::new("true")))?;
            registrations.insert(key(), registration);
        }
        "give-up-rights" => rustix::thread::set_no_new_privs(true)?,
        "commit" => registrations.get_mut(&key()).unwrap().commit()?,
        // Intent, creation, commit.
        "create" => {
            let mut registration = Registration::intend(key(), Action::remove_file(words[2]))?;
            fs::write(words[2], b"")?;
            registration.commit()?;
            registrations.insert(key(), registration);
        }
        // By a helper, with another link to it, and dropped.
        "make-and-drop" => {
            let file = scratch::file_in(words[1], Survives::Reboot)?;
            fs::hard_link(file.path(), words[2])?;
            return Ok(file.path().display().to_string());
        }
        // The same, but a stranger's file has its name when it is dropped.
        "make-lose-and-drop" => {
            let file = scratch::file_in(words[1], Survives::Reboot)?;
            fs::rename(file.path(), words[2])?;
            fs::write(file.path(), b"")?;
            return Ok(file.path().display().to_string());
        }
        "forget" => registrations.remove(&key()).unwrap().forget()?,
        // As many intents as there is room for.
        "fill" => {
            let mut key = key();
            loop {
                match Registration::intend(key, Action::remove_file(words[2])) {
                    Ok(registration) => registrations.insert(key, registration),
                    Err(e) => return Ok(format!("{key} {:?} {e}", e.kind())),
                };
                key += 1;
            }
        }
        "forget-all" => {
            for (_, registration) in registrations.drain() {
                registration.forget()?;
            }
        }
        "recover" => return Ok(backstop::recover()?.performed.len().to_string()),
        "limit-file-size" => {
            let limit = Some(key());
            setrlimit(Resource::Fsize, Rlimit { current: limit, maximum: limit })?;
        }
        "become" => become_user(u32::try_from(key()).unwrap()),
        "fork" => return fork_and_register(words[1]),
        "sleep-in-child" => {
            // The child inherits what is not closed on `exec`.
            let child = Command::new("sleep").arg("60").spawn()?;
            return Ok(child.id().to_string());
        }
        "close-descriptors" => close_descriptors(),
        "become-daemon" => become_daemon(),
        "die" => die(),
        "execute" => {
            return Err(Command::new("sh").args(["-c", "echo \"ok \"; exec sleep 60"]).exec());
        }
        other => panic!("{other}"),
    }
    Ok(String::new())
}

#[allow(unsafe_code)]
fn become_user(user: u32) {
    // SAFETY: no memory is involved. Through libc, so that it holds for all threads.
    let (group, user) = unsafe { (libc::setgid(user), libc::setuid(user)) };
    assert_eq!((group, user), (0, 0));
}

/// Nothing runs, as after `kill -9`; a signal to oneself does nothing where one is process 1.
#[allow(unsafe_code)]
fn die() -> ! {
    // SAFETY: it does not return.
    unsafe { libc::_exit(9) }
}

/// What a forked process that has not executed anything is told.
#[allow(unsafe_code)]
fn fork_and_register(path: &str) -> io::Result<String> {
    let (reader, writer) = rustix::pipe::pipe()?;
    let (reader, mut writer) = (fs::File::from(reader), fs::File::from(writer));
    // SAFETY: the child allocates, which glibc allows after a fork, and ends by `_exit`.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let said = match Registration::intend(u64::MAX, Action::remove_file(path)) {
                Ok(_) => "registered".to_owned(),
                Err(e) => e.to_string(),
            };
            let _ = writer.write_all(said.as_bytes());
            // SAFETY: it does not return.
            unsafe { libc::_exit(0) }
        }
        _ => {
            drop(writer);
            io::read_to_string(reader)
        }
    }
}

/// The parent ends; the child, which goes on, closes what it knows nothing of.
#[allow(unsafe_code)]
fn become_daemon() {
    // SAFETY: the child allocates, which glibc allows after a fork.
    match unsafe { libc::fork() } {
        -1 => panic!("no fork"),
        0 => close_descriptors(),
        // SAFETY: it does not return.
        _ => unsafe { libc::_exit(0) },
    }
}

/// As programs do that become daemons.
#[allow(unsafe_code)]
fn close_descriptors() {
    for descriptor in 3..256 {
        // SAFETY: what was opened by others is not used again without being looked at.
        unsafe { libc::close(descriptor) };
    }
}
