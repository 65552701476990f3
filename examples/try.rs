//! x
use backstop::{Guard, defer, must_cleanup};
use std::cell::RefCell;
type Log = RefCell<Vec<String>>;

#[must_cleanup]
fn f(log: &Log, n: u32) -> Result<u32, String> {
    #[cleanup(log.borrow_mut().push(format!("always {v}")))]
    let mut v = n;
    #[cleanup(log.borrow_mut().push("failure".to_string()), on = failure)]
    let w = String::from("x");
    defer!(on = success, log.borrow_mut().push("success".into()));
    defer!(on = [error], log.borrow_mut().push("error".into()));
    defer! { log.borrow_mut().push("deferred".into()) }
    *v += 1;
    if n == 1 {
        Err("one".to_string())?;
    }
    if n == 2 {
        return Err("two".into());
    }
    if n == 3 {
        panic!("three");
    }
    for i in 0..3 {
        #[cleanup(log.borrow_mut().push(format!("turn {i}")))]
        let i = i;
        if n == 4 {
            break;
        }
        if n == 5 && *i == 1 {
            return Err("five".to_string());
        }
        if n == 7 {
            drop(i);
            log.borrow_mut().push("after drop".into());
        }
    }
    if n == 8 {
        Guard::run(w);
        log.borrow_mut().push("after run".into());
        return Ok(1);
    }
    if w.len() == 0 {
        return Ok(3);
    }
    if n == 9 { Err("nine".to_string()) } else { Ok(*v) }
}
fn main() {
    for n in 0..10 {
        let log = Log::default();
        let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f(&log, n)));
        println!("{n} {:?} {:?}", r.map_err(|_| ()), log.borrow());
    }
}
