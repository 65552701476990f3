#![deny(warnings)]

use backstop::scoped_spawn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[scoped_spawn]
fn statements(count: &AtomicUsize) {
    thread::spawn(|| count.fetch_add(1, Ordering::Relaxed));
    std::thread::spawn(|| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let _ = ::std::thread::spawn(move || count.fetch_add(1, Ordering::Relaxed));
}

#[scoped_spawn]
fn imported(count: &AtomicUsize) -> usize {
    use std::thread::spawn;
    use std::thread::spawn as start;
    let one = spawn(|| count.fetch_add(1, Ordering::Relaxed));
    let two = start(|| count.fetch_add(1, Ordering::Relaxed));
    one.join().unwrap() + two.join().unwrap()
}

#[scoped_spawn(limit = 2, on_failure = wait)]
fn builders(names: &[String]) -> std::io::Result<usize> {
    let one = thread::Builder::new().name("one".into()).spawn(|| names.len())?;
    use std::thread::Builder;
    let builder = Builder::new();
    let two = builder.spawn(|| names.len())?;
    Ok(one.join().unwrap() + two.join().unwrap())
}

#[scoped_spawn(limit = LIMIT, on_failure = cancel)]
fn handles(names: &[String]) -> Vec<usize> {
    let mut all = Vec::new();
    for name in names {
        all.push(thread::spawn(|| name.len()));
    }
    all.into_iter().map(|handle| handle.join().unwrap()).collect()
}

#[scoped_spawn]
fn typed(names: &[String]) -> usize {
    let handles: Vec<thread::JoinHandle<usize>> =
        names.iter().map(|name| thread::spawn(move || name.len())).collect();
    handles.into_iter().map(|handle| handle.join().unwrap()).sum()
}

#[scoped_spawn]
fn in_macros(names: &[String]) -> usize {
    let handles = vec![thread::spawn(|| names.len())];
    println!("{}", thread::spawn(|| names.len()).join().unwrap());
    handles.into_iter().map(|handle| handle.join().unwrap()).sum()
}

#[scoped_spawn]
fn nested(count: &AtomicUsize) {
    thread::spawn(|| {
        thread::spawn(|| count.fetch_add(1, Ordering::Relaxed));
        count.fetch_add(1, Ordering::Relaxed);
    });
}

#[scoped_spawn]
fn early_returns(names: &[String]) -> Result<usize, std::num::ParseIntError> {
    let handle = thread::spawn(|| names.len());
    for name in names {
        if name.is_empty() {
            return Ok(0);
        }
        name.parse::<u8>()?;
    }
    Ok(handle.join().unwrap())
}

// A `spawn` that is visibly not a thread's is left alone.
#[scoped_spawn]
fn own_spawn() -> u8 {
    fn spawn(x: u8) -> u8 {
        x
    }
    spawn(1)
}

#[scoped_spawn]
fn a_scope_of_its_own(names: &[String]) -> usize {
    thread::scope(|scope| scope.spawn(|| names.len()).join().unwrap())
}

const LIMIT: usize = 3;

fn main() {
    let count = AtomicUsize::new(0);
    statements(&count);
    nested(&count);
    assert_eq!(count.load(Ordering::Relaxed), 5);
    assert_eq!(imported(&count), 11);
    let names = [String::from("1"), String::from("22")];
    assert_eq!(builders(&names).unwrap(), 4);
    assert_eq!(handles(&names), [1, 2]);
    assert_eq!(typed(&names) + in_macros(&names), 5);
    assert_eq!(early_returns(&names), Ok(2));
    assert_eq!(own_spawn(), 1);
    assert_eq!(a_scope_of_its_own(&names), 2);
}
