//! Holds a directory, under a cleanup that survives `exit` or `kill`, and ends as it is told.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, abort, exit};
use std::sync::{Arc, Barrier, OnceLock};
use std::{env, fs, io, thread};

use backstop::{Action, must_cleanup};

/// A static is never dropped; what it holds is for the exit hook.
static HELD: OnceLock<PathBuf> = OnceLock::new();

fn made(dir: &Path) -> io::Result<PathBuf> {
    fs::create_dir(dir)?;
    Ok(dir.to_owned())
}

fn leave(way: &str) {
    println!("begin");
    match way {
        "return" => {}
        "panic" => panic!("as told"),
        "exit" => exit(3),
        "abort" => abort(),
        // SAFETY: ends the process, as that is what it is for.
        "_exit" => unsafe { libc::_exit(4) },
        // SAFETY: there is no page at that address, which is what it is for.
        "segv" => unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) },
        // Until somebody ends this process.
        _ => drop(io::stdin().read_line(&mut String::new())),
    }
    println!("end");
}

#[must_cleanup]
fn held_by_exit(dir: &Path, way: &str) -> io::Result<()> {
    #[cleanup({ let path = path.clone(); move || fs::remove_dir_all(path) }, survives = exit)]
    let path = made(dir)?;
    let _ = HELD.set(path.clone());
    leave(way);
    Ok(())
}

#[must_cleanup]
fn held_by_kill(dir: &Path, way: &str) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(&path), survives = kill)]
    let path = made(dir)?;
    let _ = HELD.set(path.clone());
    leave(way);
    Ok(())
}

fn wait_for_ever() {
    loop {
        thread::park();
    }
}

#[must_cleanup]
fn hold_for_ever(dir: &Path, there: &Barrier) -> io::Result<()> {
    #[cleanup({ let path = path.clone(); move || fs::remove_dir_all(path) }, survives = exit)]
    let path = made(dir)?;
    let _ = HELD.set(path.clone());
    there.wait();
    wait_for_ever();
    Ok(())
}

#[backstop::main(reaper, grace = "200ms")]
fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [rung, way, dir] = arguments.as_slice() else { return Ok(ExitCode::FAILURE) };
    let held = if rung == "exit" { held_by_exit } else { held_by_kill };
    match way.as_str() {
        "thread" => {
            let dir = PathBuf::from(dir);
            let ready = Arc::new(Barrier::new(2));
            let there = Arc::clone(&ready);
            // It outlives `main`.
            drop(thread::spawn(move || hold_for_ever(&dir, &there)));
            ready.wait();
        }
        way => held(Path::new(dir), way)?,
    }
    Ok(ExitCode::SUCCESS)
}
