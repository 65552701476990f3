use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use backstop::must_cleanup;

#[must_cleanup]
fn publish(draft: &Path, store: &Path) -> io::Result<()> {
    #[cleanup(fs::remove_dir_all(&scratch), on = failure)]
    let scratch: PathBuf = scratch_dir(store)?;

    let lock = File::create(scratch.join("lock"))?;
    if fs::copy(draft, scratch.join("draft")).is_err() {
        process::exit(1);
    }
    if !draft.is_file() {
        give_up("the draft is gone");
    }
    std::mem::forget(lock);
    fs::rename(&*scratch, store)
}

fn scratch_dir(store: &Path) -> io::Result<PathBuf> {
    let scratch = store.with_extension("partial");
    fs::create_dir(&scratch)?;
    Ok(scratch)
}

fn give_up(message: &str) -> ! {
    eprintln!("{message}");
    process::exit(1)
}

fn main() {
    let _ = publish(Path::new("draft.txt"), Path::new("store"));
}
