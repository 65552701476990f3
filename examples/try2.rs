//! x
use backstop::{no_exit, scoped_spawn};
use std::thread;

fn die() -> ! {
    std::process::abort()
}
struct Room;
impl Room {
    fn exit(&self) -> u8 {
        1
    }
    fn quit(&self) -> ! {
        loop {}
    }
}

#[no_exit]
fn ok(r: &Room) -> u8 {
    let x = r.exit();
    println!("{x} {}", r.exit());
    x
}

#[cfg(feature = "bad")]
#[no_exit]
fn bad(r: &Room, o: Option<u8>) -> u8 {
    if o.is_none() {
        die()
    }
    println!("{}", o.unwrap_or_else(|| die()));
    let q = &r.quit();
    r.quit();
    let z: u8 = o.map_or(1, |_| std::process::exit(3));
    o.unwrap_or_else(std::process::abort)
}

#[scoped_spawn(limit = 2)]
fn sum(v: &[u32]) -> u32 {
    let mut hs: Vec<thread::JoinHandle<u32>> = Vec::new();
    for c in v.chunks(2) {
        hs.push(thread::spawn(move || c.iter().sum::<u32>()));
    }
    let b = thread::Builder::new()
        .name("extra".into())
        .spawn(|| {
            let h = thread::spawn(|| v.len() as u32);
            h.join().unwrap()
        })
        .unwrap();
    hs.into_iter().map(|h| h.join().unwrap()).sum::<u32>() + b.join().unwrap()
}
fn main() {
    println!("{}", ok(&Room));
    println!("{}", sum(&[1, 2, 3, 4, 5]));
}
