//! What can be done for a process that is gone: actions, and what they are sure of.

#[cfg(target_os = "linux")]
mod call;
mod deadline;
#[doc(hidden)]
pub mod door;
mod empty;
pub(crate) mod encoding;
mod identity;
mod open;
mod place;
mod prepared;
mod process;
mod program;
pub(crate) mod random;
mod remove;
#[cfg(target_os = "linux")]
pub(crate) mod settled;
#[cfg(test)]
mod tests;
mod tombstone;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
pub(crate) use self::call::signal_group;
pub(crate) use self::open::by_number;
use self::prepared::Ready;
pub(crate) use self::prepared::{Performed, Prepared};
use self::process::{Kill, Reach};
use self::program::Program;
use self::remove::{Removal, Thing};
use crate::report::{CleanupValue, Ended, Message};

/// A cleanup as data, which another process can perform: the cleanup of a `#[cleanup]` or `defer!`
/// that outlives its process.
///
/// Needs the feature `process`.
///
/// Making an action does nothing yet. It is performed when the guard runs it, and, with a `survives`
/// above `unwind`, for a process that did not come to that: by the exit hook, by the reaper after a
/// `kill -9`, by the next start after a power cut. It may then be performed more than once, and an
/// interrupted one is taken up again: actions are **idempotent**, and one that finds nothing left to
/// do has succeeded.
///
/// # What is surely ours
///
/// An action removes or ends **only what is surely what it was meant for**. Everything else is left
/// alone and reported.
///
/// * Paths are made absolute when the action is registered, and no symbolic link is followed from
///   then on: neither one that took the place of a directory on the way, nor the thing itself, nor
///   one inside of a directory. What is mounted inside of a directory is not entered, and stays,
///   with the directories that lead to it.
/// * Once the thing exists, the action notes which one it is: device and inode, a random id in the
///   extended attribute `user.backstop.id` (where the file system has none, or the thing is neither
///   a file nor a directory, its file handle or time of birth), and the time of birth. What has its
///   name later, a new file that was renamed over it for one, is left alone. The attribute needs
///   write permission, and changes the file's `ctime`.
/// * It notes that by the path: on a `let` after the initialiser, on another statement after that.
///   What somebody else has put under the path by then is taken for what was made.
///   [`scratch`](crate::scratch), [`create_dir`](crate::create_dir),
///   [`create_file`](crate::create_file) and [`create_socket`](crate::create_socket) go by a
///   descriptor of what they make, under a name that nobody knows beforehand.
/// * A thing whose creation was announced, and which the process then did not come to identify, is
///   left alone, unless its name is a random one of our own making and it is still empty.
/// * Processes are told by their start time, boot and pid namespace beside their number, and are
///   signalled through a pidfd.
///
/// An action of a plain `#[cleanup(..)]`, which does not outlive its process, is made and performed
/// at the end of the scope: it takes what it finds there, in the same careful way.
///
/// # Removal
///
/// The thing is renamed to a random name beside it, `.backstop-` and 32 digits, looked at once more,
/// and removed under that. So the name is free at once, and who still writes by path notices. If the
/// removal cannot be completed, the rest gets its name back. If it is interrupted, the next one goes
/// on.
///
/// No system call removes what a descriptor stands for, and none makes a directory or a socket and
/// opens it. So what a program of the same user puts under such a name of ours on purpose, in the
/// instant after the look or after the creation, is not safe there.
///
/// # Examples
///
/// ```
/// use backstop::{Action, defer, must_cleanup};
///
/// #[must_cleanup]
/// fn build(dir: &std::path::Path) -> std::io::Result<u64> {
///     std::fs::create_dir(dir)?;
///     defer! { Action::remove_dir_all(dir) }
///
///     std::fs::write(dir.join("draft"), "text")?;
///     Ok(std::fs::metadata(dir.join("draft"))?.len())
/// }
///
/// let dir = std::env::temp_dir().join(format!("build-{}", std::process::id()));
/// assert_eq!(build(&dir)?, 4);
/// assert!(!dir.exists());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "an action does nothing until a cleanup performs it"]
pub struct Action {
    what: What,
    timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    Remove(Thing, #[serde(with = "serde_bytes")] Vec<u8>),
    Kill(Kill),
    Run(Program),
}

impl Action {
    /// How long an action may take, unless [`with_timeout`](Self::with_timeout) says otherwise.
    const TIMEOUT: Duration = Duration::from_secs(10);
    /// The same for a directory: it may be big.
    const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(60);

    /// Removes a file, or anything else that is no directory. A symbolic link is removed itself.
    ///
    /// It opens a few descriptors. Where the process has none left, what it registered
    /// fails in its own exit hook, is reported and stays; the reaper and the next start have theirs.
    ///
    /// The path's directory must exist when the action is registered. The path may be relative to
    /// the current directory of that moment; it may be of any bytes, but not end in `/`, `.` or
    /// `..`.
    pub fn remove_file(path: impl AsRef<Path>) -> Self {
        Self::remove(Thing::File, path.as_ref())
    }

    /// Removes a directory with all that is in it. Paths as for
    /// [`remove_file`](Self::remove_file).
    ///
    /// Directories that are not writable or readable are made so if they are ours. Depth does not
    /// matter, and at most 24 descriptors are open at once. Its timeout is 60 s.
    pub fn remove_dir_all(path: impl AsRef<Path>) -> Self {
        Self { timeout: Self::DIRECTORY_TIMEOUT, ..Self::remove(Thing::Directory, path.as_ref()) }
    }

    /// Removes the file of a Unix socket. Paths as for [`remove_file`](Self::remove_file).
    ///
    /// What is not a socket is left alone, and so is the socket that another process, the
    /// successor for one, has bound under the same name since.
    pub fn unlink_socket(path: impl AsRef<Path>) -> Self {
        Self::remove(Thing::Socket, path.as_ref())
    }

    fn remove(thing: Thing, path: &Path) -> Self {
        Self::new(What::Remove(thing, path.as_os_str().as_bytes().to_vec()))
    }

    /// Ends a child process: `SIGTERM`, then `SIGKILL` if it has not ended after 2 s (or half of the
    /// timeout, if that is shorter). See [`at_once`](Self::at_once).
    ///
    /// `pid` is what [`Child::id`](std::process::Child::id) says. Which process that is, is noted
    /// here: call this before the child is waited for, as its number may be another process's from
    /// then on. A process that is not a child of this one, and not waited for, is refused.
    ///
    /// It does not wait for the child in the sense of [`Child::wait`](std::process::Child::wait):
    /// in the process itself, that is still to be done.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::process::ExitStatusExt;
    /// use std::process::Command;
    ///
    /// use backstop::Action;
    ///
    /// let mut child = Command::new("sleep").arg("60").spawn()?;
    /// Action::kill_process(child.id()).perform()?;
    /// assert_eq!(child.wait()?.signal(), Some(15));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn kill_process(pid: u32) -> Self {
        Self::new(What::Kill(Kill::new(Reach::Process, pid)))
    }

    /// Ends a process group: as [`kill_process`](Self::kill_process), for all its members.
    ///
    /// `pid` is that of the group's leader, a child that was spawned with
    /// [`process_group(0)`](std::os::unix::process::CommandExt::process_group). If the leader has
    /// ended and was waited for, nothing tells any more whether the group of that number is ours,
    /// and what is left of it is left alone.
    pub fn kill_process_group(pid: u32) -> Self {
        Self::new(What::Kill(Kill::new(Reach::Group, pid)))
    }

    /// Runs a program, and fails if it fails.
    ///
    /// Of the command, these are taken: the program, its arguments, the environment variables that
    /// were set or removed one by one, and the current directory. When the action is registered,
    /// the program is looked for in `PATH` and paths are made absolute. The other variables are
    /// those of the process that performs it; its stdin is `/dev/null`.
    ///
    /// It is started in a process group of its own, which is killed at the timeout. It may be run
    /// more than once: again after it was interrupted, and **again although it had ended**, if we
    /// were interrupted right after. At `survives = reboot` beside a reaper it **is run twice** after
    /// a `kill -9`: by the reaper at once, which does not tell the journal, and by the next start. So
    /// let it be a program that may run again. After a reboot it is not run, except with
    /// [`replay_after_reboot`](Self::replay_after_reboot).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::Command;
    ///
    /// use backstop::Action;
    ///
    /// Action::run(Command::new("sh").args(["-c", "exit 0"])).perform()?;
    /// assert!(Action::run(Command::new("sh").args(["-c", "exit 1"])).perform().is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn run(command: &Command) -> Self {
        Self::new(What::Run(Program::new(command)))
    }

    fn new(what: What) -> Self {
        Self { what, timeout: Self::TIMEOUT }
    }

    /// Sets how long the action may take: 10 s if nothing is said, 60 s for
    /// [`remove_dir_all`](Self::remove_dir_all). What is not done then has failed.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Runs the program of [`run`](Self::run) also when the machine has rebooted since. Without
    /// effect on other actions: files outlive a reboot, processes never do.
    pub fn replay_after_reboot(mut self) -> Self {
        if let What::Run(program) = &mut self.what {
            program.after_reboot = true;
        }
        self
    }

    /// Ends the process or the process group with `SIGKILL` at once. Without effect on other
    /// actions.
    pub fn at_once(mut self) -> Self {
        if let What::Kill(kill) = &mut self.what {
            kill.at_once = true;
        }
        self
    }

    /// Performs the action here and now, on what is found.
    ///
    /// # Errors
    ///
    /// The path or the command cannot be used; the system refused a step; time ran out; or the thing
    /// is left alone, because it is not what the action is for, or something is mounted in it.
    /// That there is nothing left to do is no error.
    ///
    /// # Examples
    ///
    /// ```
    /// use backstop::Action;
    ///
    /// let path = std::env::temp_dir().join(format!("perform-{}", std::process::id()));
    /// std::fs::write(&path, "")?;
    /// let action = Action::remove_file(&path);
    /// action.perform()?;
    /// assert!(!path.exists());
    /// action.perform()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn perform(&self) -> io::Result<()> {
        match self.perform_found()? {
            Performed::Done | Performed::Gone => Ok(()),
            Performed::LeftAlone(why) | Performed::Hidden(why) => Err(io::Error::other(why)),
        }
    }

    fn perform_found(&self) -> io::Result<Performed> {
        match self.clone().prepare() {
            // Found here and now is as good as noted.
            Ok(prepared) => prepared.here_and_now().perform(),
            // There is no directory for the thing to be in.
            Err(error) if self.is_removal() && error.kind() == io::ErrorKind::NotFound => {
                Ok(Performed::Gone)
            }
            Err(error) => Err(error),
        }
    }

    fn is_removal(&self) -> bool {
        matches!(self.what, What::Remove(..))
    }

    /// Makes the paths absolute, before the thing itself need exist: the intent.
    pub(crate) fn prepare(self) -> io::Result<Prepared> {
        let what = match self.what {
            What::Remove(thing, path) => {
                Ready::Remove(Removal::new(thing, Path::new(OsStr::from_bytes(&path)))?)
            }
            What::Kill(kill) => {
                kill.check()?;
                Ready::Kill(kill)
            }
            What::Run(program) => Ready::Run { program: program.prepare()?, committed: false },
        };
        Ok(Prepared { what, timeout: self.timeout })
    }
}

/// An action as the value of a cleanup is performed there and then.
#[diagnostic::do_not_recommend]
impl CleanupValue for Action {
    fn ended(&self) -> Ended {
        Ended(self.perform().err().map(|error| Box::new(Message(error.to_string()))))
    }
}
