//! What may be registered, also where every lint is an error.
#![deny(warnings, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use backstop::{Action, Guard, defer, must_cleanup};

#[must_cleanup]
fn closures(path: &Path) -> Result<usize, std::io::Error> {
    #[cleanup({ let dir = dir.clone(); move || std::fs::remove_dir_all(dir) }, survives = exit)]
    let dir: PathBuf = path.join(format!("backstop-ui-{}", std::process::id()));
    std::fs::create_dir(&*dir)?;

    #[cleanup(move || (), survives = exit, on = failure, name = "counted")]
    let mut count = 1;
    *count += 1;

    defer!(survives = exit, drop);
    defer!(survives = exit, on = [cancel, error], || Ok::<(), String>(()));

    Ok(dir.as_os_str().len() + Guard::dismiss(count))
}

fn drop() {}

#[must_cleanup]
fn actions(path: &Path) {
    #[cleanup(Action::remove_file(path), survives = exit)]
    let _file = std::fs::File::create(path).unwrap();
    defer!(survives = exit, Action::remove_file(path));
}

fn main() {
    let temporary = std::env::temp_dir();
    assert!(closures(&temporary).unwrap() > 2);
    actions(&temporary.join("backstop-that-is-not-there"));
}
