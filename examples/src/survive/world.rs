//! Places for a process to end with: a container, a control group.

use std::env;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode};

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{getegid, geteuid, getpid, kill_process};
use rustix::thread::UnshareFlags;

use super::raw;
use super::status::Status;

/// Set for the process that makes a container, and waits for it.
pub(super) const CONTAINER: &str = "BACKSTOP_SURVIVE_CONTAINER";
/// The control group to enter.
pub(super) const CONTROL_GROUP: &str = "BACKSTOP_SURVIVE_CONTROL_GROUP";
/// What a process says, with the reason, that cannot enter its place.
pub(super) const CANNOT: &str = "cannot";

const OUTSIDE: &str = "outside";
const INSIDE: &str = "inside";

/// Whether this process is where it is to be.
pub(super) enum Entered {
    Yes,
    /// Another one was, and this one has waited for it.
    Supervises(ExitCode),
}

/// Enters the place that the environment names.
pub(super) fn enter() -> io::Result<Entered> {
    if let Some(group) = env::var_os(CONTROL_GROUP) {
        fs::write(Path::new(&group).join("cgroup.procs"), "0")?;
    }
    match env::var(CONTAINER).as_deref() {
        Ok(OUTSIDE) => supervise().map(Entered::Supervises),
        // Its reaper inherits this, and is not the first process.
        Ok(INSIDE) if process::id() == 1 => match mount_proc() {
            Ok(()) => Ok(Entered::Yes),
            Err(error) => Ok(Entered::Supervises(cannot("mount /proc in it", &error))),
        },
        _ => Ok(Entered::Yes),
    }
}

/// The command for the process that makes a container, in which its child is process 1.
pub(super) fn in_container(command: &mut Command) {
    command.env(CONTAINER, OUTSIDE);
}

fn cannot(what: &str, error: &io::Error) -> ExitCode {
    println!("{CANNOT} {what}: {error}");
    ExitCode::FAILURE
}

/// Runs this program again as process 1 of new namespaces, and ends as it ended.
fn supervise() -> io::Result<ExitCode> {
    if let Err(error) = make_namespaces() {
        return Ok(cannot("make a PID namespace", &error));
    }
    let mut command = Command::new(env::current_exe()?);
    let status = command.env(CONTAINER, INSIDE).process_group(0).status()?;
    match Status::of(status) {
        Some(Status::Exit(code)) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))),
        Some(Status::Killed(signal)) => {
            kill_process(getpid(), signal)?;
            // Of a signal whose default is not to end a process, or is blocked.
            Ok(ExitCode::FAILURE)
        }
        None => Ok(ExitCode::FAILURE),
    }
}

/// With the rights of this process, or with those of a user namespace of its own.
fn make_namespaces() -> io::Result<()> {
    let namespaces = UnshareFlags::NEWPID | UnshareFlags::NEWNS;
    let Err(error) = raw::unshare(namespaces) else { return Ok(()) };
    if error.kind() != io::ErrorKind::PermissionDenied {
        return Err(error);
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    raw::unshare(namespaces | UnshareFlags::NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

/// Shows the processes of this namespace, as in any container, and no others.
fn mount_proc() -> io::Result<()> {
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None)?;
    Ok(())
}

/// A control group, removed when it is dropped.
#[derive(Debug)]
pub(super) struct ControlGroup(PathBuf);

impl ControlGroup {
    /// Makes one below that of this process.
    ///
    /// # Errors
    ///
    /// Where there is no cgroup2 hierarchy, or none that we may write to.
    pub(super) fn create(name: &str) -> io::Result<Self> {
        let path = own_group()?.join(name);
        fs::create_dir(&path)?;
        let group = Self(path);
        // Since Linux 5.14.
        fs::metadata(group.0.join("cgroup.kill"))?;
        Ok(group)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn kill(&self) -> io::Result<()> {
        fs::write(self.0.join("cgroup.kill"), "1")
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // A group that still has processes stays: they have been killed, or their end is awaited.
        let _ = fs::remove_dir(&self.0);
    }
}

/// The directory of this process's own group in the cgroup2 hierarchy.
fn own_group() -> io::Result<PathBuf> {
    let none = || io::Error::new(io::ErrorKind::NotFound, "there is no cgroup2 hierarchy");
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).ok_or_else(none)?;
    let mut fields = mount.split(' ').skip(3);
    let (Some(root), Some(place)) = (fields.next(), fields.next()) else { return Err(none()) };
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::")).ok_or_else(none)?;
    // A container sees a part of the hierarchy, which `root` names.
    let below = group.strip_prefix(root).unwrap_or(group).trim_start_matches('/');
    Ok(Path::new(place).join(below))
}
