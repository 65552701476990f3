//! That the harness loses what a power cut loses, and sees what is wrong, without a machine.
#![cfg(target_os = "linux")]

use backstop_power_cut::archive::Archive;
use backstop_power_cut::disk::{Disk, Loss, SECTOR};
use backstop_power_cut::known::Known;
use backstop_power_cut::said::{Said, Whose};
use fastrand::Rng;

/// A disk whose first sector was flushed, the second written through, and the others merely written:
/// to all but the last one twice.
fn written() -> Disk {
    let mut disk = Disk::new(vec![0; 8 * SECTOR]);
    assert!(disk.write(0, &[1; SECTOR], false));
    disk.flush();
    assert!(disk.write(SECTOR, &[2; SECTOR], false));
    assert!(disk.write(SECTOR, &[3; SECTOR], true));
    assert!(disk.write(2 * SECTOR, &vec![4; 5 * SECTOR], false));
    assert!(disk.write(2 * SECTOR, &vec![5; 6 * SECTOR], false));
    assert_eq!(sectors(&disk), [1, 3, 5, 5, 5, 5, 5, 5]);
    disk
}

fn sectors(disk: &Disk) -> Vec<u8> {
    disk.read(0, disk.size()).unwrap().iter().copied().step_by(SECTOR).collect()
}

#[test]
fn what_was_flushed_or_written_through_outlives_every_cut() {
    let mut torn = 0;
    for seed in 0..50 {
        for which in Loss::ALL {
            let mut disk = written();
            let lost = disk.cut(which, &mut Rng::with_seed(seed));
            let left = sectors(&disk);
            assert_eq!(left[..2], [1, 3]);
            match which {
                Loss::Nothing => assert_eq!((lost, &left[2..]), (0, &[5; 6][..])),
                Loss::Everything => assert_eq!((lost, &left[2..]), (11, &[0; 6][..])),
                // What was written last goes first.
                Loss::FromAnInstant => assert!(left[2..].is_sorted_by(|a, b| a >= b), "{left:?}"),
                Loss::AnySector => torn += u32::from(!left[2..].is_sorted_by(|a, b| a >= b)),
            }
        }
    }
    assert!(torn > 10, "{torn}");
}

#[test]
fn a_write_beyond_the_end_or_of_a_part_of_a_sector_is_refused() {
    let mut disk = Disk::new(vec![0; 2 * SECTOR]);
    assert!(!disk.write(SECTOR, &[1; 2 * SECTOR], false));
    assert!(!disk.write(0, &[1; SECTOR - 1], false));
    assert!(!disk.write(1, &[1; SECTOR], true));
    assert_eq!(sectors(&disk), [0, 0]);
    assert!(disk.read(SECTOR, SECTOR + 1).is_none());
}

/// What is wrong after this was said, and this found.
fn wrong(said: &[Said], found: &[(&str, Whose)]) -> usize {
    let mut known = Known::default();
    for said in said {
        known.hear(said);
    }
    for (name, whose) in found {
        known.hear(&Said::Found((*name).to_owned(), *whose));
    }
    known.hear(&Said::Looked);
    known.wrong.len()
}

#[test]
fn what_is_left_of_ours_or_lost_of_others_is_wrong() {
    let mine = |number| Said::Mine("n1".into(), number);
    let (making, removing) = (Said::Making("n1".into()), Said::Removing("n1".into()));
    let (keeping, kept) = (Said::Keeping("k".into()), Said::Kept("k".into()));
    let strangers = Whose::Stranger(7);
    let (only_making, only_keeping) = ([making.clone()], [keeping.clone()]);
    assert_eq!(wrong(&[], &[]), 0);
    // Ours.
    assert_eq!(wrong(&[], &[("n1", Whose::Ours)]), 1);
    assert_eq!(wrong(&[], &[(".backstop-1", Whose::Unknown)]), 1);
    assert_eq!(wrong(&only_making, &[("n1", Whose::Ours)]), 1);
    assert_eq!(wrong(&only_keeping, &[("k", Whose::Ours)]), 0);
    assert_eq!(wrong(&only_keeping, &[]), 0);
    assert_eq!(wrong(&[keeping.clone(), kept.clone()], &[("k", Whose::Ours)]), 0);
    assert_eq!(wrong(&[keeping, kept], &[]), 1);
    // The stranger's.
    assert_eq!(wrong(&only_making, &[("n1", Whose::Unknown)]), 0);
    assert_eq!(wrong(&[making.clone(), mine(7)], &[("n1", strangers)]), 0);
    assert_eq!(wrong(&[making.clone(), mine(7)], &[]), 1);
    assert_eq!(wrong(&[making.clone(), mine(8)], &[("n1", strangers)]), 1);
    assert_eq!(wrong(&[making, mine(7), removing], &[]), 0);
}

#[test]
fn what_the_replay_or_the_journal_should_not_say_is_wrong() {
    let left = |what: &str, kept| Said::Recovered {
        performed: 0,
        gone: 0,
        failed: Vec::new(),
        left: vec![(what.to_owned(), "another one is in its place".to_owned(), kept)],
    };
    assert_eq!(wrong(&[left("remove file \"/disk/arena/n1\"", false)], &[]), 0);
    assert_eq!(wrong(&[left("remove file \"/disk/arena/n1\"", true)], &[]), 1);
    assert_eq!(wrong(&[left("remove file \"/disk/arena/backstop-n1\"", false)], &[]), 1);
    let journal = |files: &[&str]| Said::Journal(files.iter().map(ToString::to_string).collect());
    assert_eq!(wrong(&[journal(&["1.journal"])], &[]), 0);
    assert_eq!(wrong(&[journal(&["1.journal", "2.journal"])], &[]), 1);
    assert_eq!(wrong(&[journal(&["1.journal.corrupt"])], &[]), 1);
}

#[test]
fn an_archive_is_what_the_kernel_unpacks() {
    let mut archive = Archive::default();
    archive.file("a", b"text");
    let bytes = archive.finish();
    let entry = "070701\
                 00000001\
                 000081a4\
                 00000000\
                 00000000\
                 00000001\
                 00000000\
                 00000004\
                 00000000\
                 00000000\
                 00000000\
                 00000000\
                 00000002\
                 00000000\
                 a\0text";
    assert!(bytes.starts_with(entry.as_bytes()), "{}", String::from_utf8_lossy(&bytes));
    assert!(bytes.len() % 4 == 0 && bytes.ends_with(b"TRAILER!!!\0\0\0\0"));
}
