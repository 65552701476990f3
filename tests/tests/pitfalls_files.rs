//! Row B1 of docs/pitfalls.md. The one test of its process: it counts the open descriptors.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use backstop::must_cleanup;

fn descriptors() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// Reads all files, and gives their sizes together and the most descriptors that were open at a
/// turn's beginning and in it.
#[must_cleanup]
fn read_all(paths: &[impl AsRef<Path>]) -> io::Result<(usize, usize, usize)> {
    let (mut bytes, mut before, mut within) = (0, 0, 0);
    let mut text = String::new();
    for path in paths {
        before = before.max(descriptors()?);
        #[cleanup(drop(file))]
        let mut file = File::open(path)?;
        within = within.max(descriptors()?);
        text.clear();
        bytes += file.read_to_string(&mut text)?;
        if text.is_empty() {
            continue;
        }
    }
    Ok((bytes, before, within))
}

#[must_cleanup]
fn fails_at(path: &Path, turn: usize) -> io::Result<()> {
    for number in 0..=turn {
        #[cleanup(drop(file))]
        let file = File::open(path)?;
        if number == turn {
            file.set_len(0)?;
        }
    }
    Ok(())
}

#[test]
fn b1_guards_in_a_loop_over_ten_thousand_files_hold_one_at_a_time() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let size = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
    let paths = vec![&path; 10_000];
    let outside = descriptors().unwrap();
    let (bytes, before, within) = read_all(&paths).unwrap();
    assert_eq!(bytes, 10_000 * size);
    assert_eq!((before, within), (outside, outside + 1));
    assert_eq!(descriptors().unwrap(), outside);

    // The file of a turn that fails is closed, too.
    for turn in 0..100 {
        fails_at(&path, turn % 3).expect_err("opened for reading only");
    }
    assert_eq!(descriptors().unwrap(), outside);
}
