//! Running a program as a cleanup.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use std::{env, fmt};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use super::Performed;
use super::deadline::Deadline;
use super::place::quoted;

/// What `Command` puts in place of a text with a NUL byte in it, to refuse it when it is spawned.
const WITH_NUL: &[u8] = b"<string-with-nul>";

/// A command as data. Bytes, as arguments are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    file: Vec<u8>,
    arguments: Vec<Vec<u8>>,
    /// What was set explicitly, and what was removed.
    environment: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    directory: Option<Vec<u8>>,
    /// Whether the next start runs it after the machine has rebooted.
    pub(super) after_reboot: bool,
}

impl Program {
    pub(super) fn new(command: &Command) -> Self {
        let bytes = |text: &OsStr| text.as_bytes().to_vec();
        Self {
            file: bytes(command.get_program()),
            arguments: command.get_args().map(bytes).collect(),
            environment: command
                .get_envs()
                .map(|(name, value)| (bytes(name), value.map(bytes)))
                .collect(),
            directory: command.get_current_dir().map(|path| bytes(path.as_os_str())),
            after_reboot: false,
        }
    }

    /// Makes its paths absolute, so that it is the same command wherever it is run from.
    pub(super) fn prepare(mut self) -> io::Result<Self> {
        let fail =
            |kind, why: String| Err(io::Error::new(kind, format!("cannot run {self}: {why}")));
        if self.texts().any(|text| text.contains(&0) || text == WITH_NUL) {
            return fail(ErrorKind::InvalidInput, "there is a NUL byte in it".to_owned());
        }
        if self.file.is_empty() {
            return fail(ErrorKind::InvalidInput, "the program has no name".to_owned());
        }
        let directory = match &self.directory {
            Some(directory) if directory.starts_with(b"/") => PathBuf::from(os(directory)),
            relative => match env::current_dir() {
                Ok(current) => {
                    relative.as_ref().map_or(current.clone(), |path| current.join(os(path)))
                }
                Err(error) => {
                    return fail(
                        error.kind(),
                        format!(
                            "the current directory is gone ({error}): give it one with \
                             `Command::current_dir`"
                        ),
                    );
                }
            },
        };
        let Some(program) = self.find(&directory) else {
            return fail(
                ErrorKind::NotFound,
                "there is no such program in the directories of PATH".to_owned(),
            );
        };
        self.file = program.into_os_string().into_vec();
        self.directory = Some(directory.into_os_string().into_vec());
        Ok(self)
    }

    fn texts(&self) -> impl Iterator<Item = &Vec<u8>> {
        let environment =
            self.environment.iter().flat_map(|(name, value)| [Some(name), value.as_ref()]);
        let texts = [Some(&self.file), self.directory.as_ref()].into_iter().chain(environment);
        texts.flatten().chain(&self.arguments)
    }

    /// Where the program is, looked for as `Command` would.
    fn find(&self, directory: &Path) -> Option<PathBuf> {
        if self.file.contains(&b'/') {
            return Some(directory.join(os(&self.file)));
        }
        let own = self.environment.iter().rev().find(|(name, _)| name == b"PATH");
        let path = match own {
            Some((_, value)) => value.as_ref().map(|value| OsString::from_vec(value.clone())),
            None => env::var_os("PATH"),
        };
        env::split_paths(&path?).map(|path| directory.join(path).join(os(&self.file))).find(
            |candidate| {
                candidate.is_file()
                    && rustix::fs::access(candidate, rustix::fs::Access::EXEC_OK).is_ok()
            },
        )
    }

    pub(super) fn perform(&self, deadline: Deadline) -> io::Result<Performed> {
        let failed =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot run {self}: {error}"));
        let mut command = Command::new(os(&self.file));
        command.args(self.arguments.iter().map(|argument| os(argument)));
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(os(name), os(value)),
                None => command.env_remove(os(name)),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(os(directory));
        }
        // A group of its own, so that what it starts ends with it.
        let spawned = command.stdin(Stdio::null()).process_group(0).spawn();
        let mut child = spawned.map_err(|error| match command.get_current_dir() {
            // The system does not say which of the two is missing.
            Some(directory) if !directory.is_dir() => io::Error::new(
                ErrorKind::NotFound,
                format!("cannot run {self}: there is no directory {}", quoted(directory)),
            ),
            _ => failed(error),
        })?;
        match wait(&mut child, deadline) {
            Ok(Some(status)) if status.success() => Ok(Performed::Done),
            Ok(Some(status)) => Err(io::Error::other(format!("{self} failed: {status}"))),
            Ok(None) => {
                let killed = kill(&mut child);
                Err(io::Error::new(
                    ErrorKind::TimedOut,
                    format!("{self} did not end in time and was {killed}"),
                ))
            }
            Err(error) => {
                // Its status is lost (`SIGCHLD` ignored, or somebody waits for every child), and
                // with it the certainty whose its number is: nothing is signalled.
                Err(failed(error))
            }
        }
    }
}

/// Waits for the child; `None` if the deadline came first.
fn wait(child: &mut Child, deadline: Deadline) -> io::Result<Option<ExitStatus>> {
    // A pidfd would save the polling, and costs a descriptor that may not be there: a cleanup
    // is no place to be in a hurry.
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if deadline.passed() {
            return Ok(None);
        }
        deadline.sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Kills the child, which nobody waited for, and all of its group.
fn kill(child: &mut Child) -> &'static str {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // Fails only if there is nobody left.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    // A process in an uninterruptible call does not end: it is not waited for for ever.
    let soon = Deadline::after(Duration::from_secs(1));
    match wait(child, soon) {
        Ok(Some(_)) => "killed",
        _ => "killed, which it has not taken note of yet",
    }
}

fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", os(&self.file))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {:?}", os(argument)))
    }
}
