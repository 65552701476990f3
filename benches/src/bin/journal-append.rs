//! What a change in the journal takes beside a bare append: `pwrite` to a preallocated file that is
//! open with `O_DSYNC`, in turns on the same disk.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use backstop::__private::journal::{self, Registration};
use backstop::Action;
use rustix::fs::{FallocateFlags, OFlags, fallocate};

const ROUNDS: usize = 2000;
/// As large as the write of an intent here: the frame, the record and a path of some 60 bytes.
const BYTES: usize = 136;

fn main() -> io::Result<()> {
    // Not in memory: beside what is being built.
    let directory = std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default();
    let directory = tempfile::tempdir_in(directory)?;
    let start = Instant::now();
    journal::open(Some(&directory.path().join("journal")))?;
    println!("opened in {} us\n", start.elapsed().as_micros());
    let file = directory.path().join("file-of-the-action");
    fs::write(&file, b"")?;
    let mut bare = Bare::new(&directory.path().join("bare"))?;
    let mut control = Bare::new(&directory.path().join("control"))?;

    let mut times: [Vec<Duration>; 5] = Default::default();
    for key in 0..ROUNDS as u64 {
        let mut time = |row: usize, work: &mut dyn FnMut() -> io::Result<()>| {
            let start = Instant::now();
            let done = work();
            times[row].push(start.elapsed());
            done
        };
        time(0, &mut || bare.append())?;
        let mut registration = None;
        time(1, &mut || {
            registration = Some(Registration::intend(key, Action::remove_file(&file))?);
            Ok(())
        })?;
        time(2, &mut || control.append())?;
        let mut registration = registration.take().ok_or(io::ErrorKind::Other)?;
        time(3, &mut || registration.commit())?;
        let mut registration = Some(registration);
        time(4, &mut || registration.take().map_or(Ok(()), Registration::forget))?;
    }
    println!("| | median, us | p99, us | times the first |\n|---|---:|---:|---:|");
    let names = ["bare append", "intent", "control (bare append)", "commit", "withdrawal"];
    let mut first = None;
    for (name, mut times) in names.into_iter().zip(times) {
        times.sort_unstable();
        let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e6;
        let first = *first.get_or_insert(at(50));
        println!("| {name} | {:.0} | {:.0} | {:.2} |", at(50), at(99), at(50) / first);
    }

    println!("\n| threads | intents a second |\n|---:|---:|");
    for threads in [1, 4, 16] {
        println!("| {threads} | {:.0} |", throughput(threads, &file)?);
    }
    Ok(())
}

fn throughput(threads: u64, file: &Path) -> io::Result<f64> {
    const EACH: u64 = 400;
    let start = Instant::now();
    let registrations = thread::scope(|s| {
        let work = |thread| {
            let key = |number| (threads << 40) + (thread << 20) + number;
            let register = |number| Registration::intend(key(number), Action::remove_file(file));
            (0..EACH).map(register).collect::<io::Result<Vec<_>>>()
        };
        let threads: Vec<_> = (0..threads).map(|thread| s.spawn(move || work(thread))).collect();
        let joined = threads.into_iter().flat_map(thread::ScopedJoinHandle::join);
        joined.collect::<io::Result<Vec<_>>>()
    })?;
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    let rate = (threads * EACH) as f64 / start.elapsed().as_secs_f64();
    registrations.into_iter().flatten().try_for_each(Registration::forget)?;
    Ok(rate)
}

struct Bare {
    file: File,
    at: u64,
}

impl Bare {
    const SIZE: usize = ROUNDS * BYTES;

    fn new(path: &Path) -> io::Result<Self> {
        let flags = i32::try_from(OFlags::DSYNC.bits()).map_err(io::Error::other)?;
        let file =
            OpenOptions::new().write(true).create_new(true).custom_flags(flags).open(path)?;
        fallocate(&file, FallocateFlags::empty(), 0, Self::SIZE as u64)?;
        file.write_all_at(&vec![0; Self::SIZE], 0)?;
        Ok(Self { file, at: 0 })
    }

    fn append(&mut self) -> io::Result<()> {
        self.file.write_all_at(&[1; BYTES], self.at)?;
        self.at += BYTES as u64;
        Ok(())
    }
}
