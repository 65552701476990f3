//! The first program in the machine: mounts the disk, runs the other one, and ends the machine.
//!
//! Arguments: those of the other program, and behind them the options with which the disk is mounted.
//! As `hog`, it is another program that uses up the memory.

use std::error::Error;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};
use std::{env, fs};

use backstop_power_cut::ends::End;
use backstop_power_cut::said::Said;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::{WaitOptions, wait};
use rustix::system::{RebootCommand, init_module, reboot};

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let ended = match &arguments[..] {
        [hog] if hog == "hog" => backstop_power_cut::memory::use_up(),
        [end, seed, turns, options] => run(end, [end, seed, turns].map(String::as_str), options),
        _ => Err("four arguments".into()),
    };
    // Process 1 must not end.
    if let Err(error) = ended {
        let _ = Said::Failed(error.to_string()).say();
        eprintln!("{error}");
        let _ = reboot(RebootCommand::PowerOff);
    }
}

fn run(end: &str, arguments: [&str; 3], options: &str) -> Result<(), Box<dyn Error>> {
    for (kind, path) in [("proc", "/proc"), ("devtmpfs", "/dev")] {
        mount(kind, path, kind, MountFlags::empty(), None)?;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Said::Boot(boot.trim().to_owned()).say()?;
    let mut modules = fs::read_dir("/modules")?
        .map(|module| Ok(module?.path()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    modules.sort();
    for module in modules {
        init_module(&fs::read(&module)?, c"").map_err(|e| format!("{}: {e}", module.display()))?;
    }
    let options = std::ffi::CString::new(options)?;
    mount("/dev/vda", "/disk", "ext4", MountFlags::empty(), options.as_c_str())?;
    let end: End = end.parse()?;
    wait_for_all(&Command::new("/work").args(arguments).spawn()?)?;
    if matches!(end, End::Memory | End::MemoryReaper) {
        // In the same start of the system: nobody but the reaper can have cleaned up.
        wait_for_all(&Command::new("/work").args(["stop", "0", "0"]).spawn()?)?;
    }
    unmount("/disk", UnmountFlags::empty())?;
    reboot(if end == End::Stop { RebootCommand::PowerOff } else { RebootCommand::Restart })?;
    Ok(())
}

/// Waits until no process is left, the reaper among them; says how the program has ended.
fn wait_for_all(program: &Child) -> Result<(), Box<dyn Error>> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_pid().unsigned_abs() == program.id() => {
                let status = std::process::ExitStatus::from_raw(status.as_raw());
                Said::Ended { signal: status.signal(), code: status.code() }.say()?;
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
