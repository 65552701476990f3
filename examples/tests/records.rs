//! The records of `consumer`, torn and damaged.
#![cfg(unix)]

use std::fs;
use std::io;
use std::path::Path;

use backstop_examples::records::{Records, read};

fn numbers(path: &Path) -> io::Result<Vec<u64>> {
    read(path)?.map(|record| Ok(record?.number)).collect()
}

#[test]
fn wherever_the_last_record_is_torn_it_is_as_if_it_was_never_written() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("records");
    let records = Records::open(&path).unwrap();
    records.append(1, "alice 30 2").unwrap();
    let first = fs::metadata(&path).unwrap().len();
    records.append(2, "bob\n7 1").unwrap();
    let whole = fs::read(&path).unwrap();
    assert_eq!(numbers(&path).unwrap(), [1, 2]);
    for length in usize::try_from(first).unwrap()..whole.len() {
        // As a kill leaves it, and as the loss of the machine does, which may keep the length only, or what
        // comes last.
        let zeros = vec![0; whole.len() - length];
        let with_end = [&zeros[1..], b"\n"].concat();
        for rest in [&[][..], &zeros, &with_end] {
            let torn = [&whole[..length], rest].concat();
            if torn == whole {
                continue;
            }
            fs::write(&path, torn).unwrap();
            assert_eq!(numbers(&path).unwrap(), [1], "{length} bytes and {rest:?}");
            let records = Records::open(&path).unwrap();
            assert_eq!(records.last(), 1);
            records.append(2, "bob\n7 1").unwrap();
            assert!(fs::read(&path).unwrap() == whole, "{length} bytes and {rest:?}");
        }
    }
}

#[test]
fn a_file_that_is_damaged_before_its_end_is_an_error_and_stays_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("records");
    let records = Records::open(&path).unwrap();
    (1..=3).for_each(|number| records.append(number, "alice 30 2").unwrap());
    let mut damaged = fs::read(&path).unwrap();
    // In the text of the second.
    damaged[40] ^= 1;
    fs::write(&path, &damaged).unwrap();
    assert_eq!(numbers(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(Records::open(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert!(fs::read(&path).unwrap() == damaged);
}
