//! Counts how the functions of a rewritten crate are left, and checks each against what the
//! thread's own state says. Copied beside the crates under test; knows nothing of backstop.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, Once};

static ENTERED: AtomicU64 = AtomicU64::new(0);
static LEFT: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
static WRONG: Mutex<BTreeSet<(&str, &str)>> = Mutex::new(BTreeSet::new());
static REGISTER: Once = Once::new();

const SUCCESS: u8 = 0;
const ERROR: u8 = 1;
const UNWIND: u8 = 2;

/// One passage through a guarded block.
pub struct Passage {
    place: &'static str,
    /// Of a function whose type can be no failure.
    plain: bool,
    panicking: bool,
    left: Cell<u8>,
}

/// Enters a block at `place`.
pub fn enter(place: &'static str, plain: bool) -> Passage {
    REGISTER.call_once(|| {
        // SAFETY: the C library's, with its signature; `report` neither panics nor exits.
        unsafe extern "C" {
            safe fn atexit(hook: extern "C" fn()) -> std::ffi::c_int;
        }
        atexit(report);
    });
    ENTERED.fetch_add(1, Relaxed);
    Passage { place, plain, panicking: std::thread::panicking(), left: Cell::new(0) }
}

impl Passage {
    /// The cleanup for success ran.
    pub fn success(&self) {
        self.leave(SUCCESS);
    }

    /// The cleanup for errors ran.
    pub fn error(&self) {
        self.leave(ERROR);
        if self.plain {
            wrong("an error of a function that cannot fail", self.place);
        }
    }

    /// The cleanup for unwinding ran.
    pub fn unwind(&self) {
        self.leave(UNWIND);
    }

    fn leave(&self, outcome: u8) {
        LEFT[usize::from(outcome)].fetch_add(1, Relaxed);
        self.left.set(self.left.get() + 1);
        if self.panicking {
            return;
        }
        match (outcome, std::thread::panicking()) {
            (UNWIND, false) => wrong("unwind, but nothing panicked", self.place),
            (SUCCESS | ERROR, true) => wrong("no unwind, but the thread panics", self.place),
            _ => {}
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        match self.left.get() {
            0 => wrong("no cleanup ran", self.place),
            1 => {}
            _ => wrong("several cleanups ran", self.place),
        }
    }
}

#[cold]
fn wrong(what: &'static str, place: &'static str) {
    if let Ok(mut wrong) = WRONG.lock() {
        wrong.insert((what, place));
    }
}

extern "C" fn report() {
    let Some(path) = std::env::var_os("BACKSTOP_TRANSPARENCY_OUT") else { return };
    let [success, error, unwind] = &LEFT;
    let mut text = format!(
        "count\t{}\t{}\t{}\t{}\n",
        ENTERED.load(Relaxed),
        success.load(Relaxed),
        error.load(Relaxed),
        unwind.load(Relaxed)
    );
    if let Ok(wrong) = WRONG.lock() {
        for (what, place) in &*wrong {
            text += &format!("wrong\t{what}\t{place}\n");
        }
    }
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path) {
        // One write, so that the lines of processes do not mix; nobody to tell if it fails, and
        // missing counts are noticed.
        let _ = file.write_all(text.as_bytes());
    }
}
