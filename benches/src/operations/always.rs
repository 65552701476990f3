//! Cleanups for every way out, beside a hand-written `Drop`.
#![allow(clippy::wildcard_imports, reason = "the modules only keep the names apart")]

use super::{BACKSTOP, Operation, SCOPEGUARD, shape};
use crate::opaque::{
    Refused, Session, check, close, close_by_reference, flush, look, open, step, withdraw, work,
};

pub(super) fn operations() -> Vec<Operation> {
    [
        shape!("one guard, address kept", one_kept, 5),
        shape!("one guard, address escapes", one, 5),
        shape!("three guards, address kept", three_kept, 5),
        shape!("three guards, address escapes", three, 5),
        shape!("`?`, address kept, Ok", question_kept, 5),
        shape!("`?`, address kept, Err", question_kept, 0, more = 2),
        shape!("`?`, address escapes, Ok", question, 5, more = 2),
        shape!("`?`, address escapes, Err", question, 0, more = 2),
        shape!("`?`, three guards, Ok", question_three, 5, more = 3),
        shape!("`?`, three guards, Err", question_three, 0, more = 3),
        shape!("in a loop with `continue`", in_loop, 5, more = 12),
        shape!("`defer!`", deferred, 5),
        shape!("cleanup by reference", by_reference, 5, more = 2),
        shape!("cleanup that returns a Result", fallible, 5, more = 5),
        shape!("256 bytes", wide, 5, more = 70),
        shape!("a String", text, 5, more = 4),
    ]
    .concat()
}

/// The guard that everybody writes.
struct Closing<const WAY: u32>(Session);

impl<const WAY: u32> Drop for Closing<WAY> {
    #[inline]
    fn drop(&mut self) {
        close(Session(self.0.0), WAY);
    }
}

mod one_kept {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let session = Closing::<WAY>(open(seed, WAY));
        look(session.0.0, WAY)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let session = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        look(session.0, SCOPEGUARD)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        #[cleanup(close(session, BACKSTOP))]
        let session = open(seed, BACKSTOP);
        look(session.0, BACKSTOP)
    }
}

mod one {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let mut session = Closing::<WAY>(open(seed, WAY));
        work(&mut session.0, WAY)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let mut session = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        work(&mut session, SCOPEGUARD)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        #[cleanup(close(session, BACKSTOP))]
        let mut session = open(seed, BACKSTOP);
        work(&mut session, BACKSTOP)
    }
}

mod three_kept {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let a = Closing::<WAY>(open(seed, WAY));
        let b = Closing::<WAY>(open(seed, WAY));
        let c = Closing::<WAY>(open(seed, WAY));
        look(a.0.0, WAY) + look(b.0.0, WAY) + look(c.0.0, WAY)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let a = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let b = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let c = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        look(a.0, SCOPEGUARD) + look(b.0, SCOPEGUARD) + look(c.0, SCOPEGUARD)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        #[cleanup(close(a, BACKSTOP))]
        let a = open(seed, BACKSTOP);
        #[cleanup(close(b, BACKSTOP))]
        let b = open(seed, BACKSTOP);
        #[cleanup(close(c, BACKSTOP))]
        let c = open(seed, BACKSTOP);
        look(a.0, BACKSTOP) + look(b.0, BACKSTOP) + look(c.0, BACKSTOP)
    }
}

mod three {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let mut a = Closing::<WAY>(open(seed, WAY));
        let mut b = Closing::<WAY>(open(seed, WAY));
        let mut c = Closing::<WAY>(open(seed, WAY));
        work(&mut a.0, WAY) + work(&mut b.0, WAY) + work(&mut c.0, WAY)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let mut a = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let mut b = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let mut c = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        work(&mut a, SCOPEGUARD) + work(&mut b, SCOPEGUARD) + work(&mut c, SCOPEGUARD)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        #[cleanup(close(a, BACKSTOP))]
        let mut a = open(seed, BACKSTOP);
        #[cleanup(close(b, BACKSTOP))]
        let mut b = open(seed, BACKSTOP);
        #[cleanup(close(c, BACKSTOP))]
        let mut c = open(seed, BACKSTOP);
        work(&mut a, BACKSTOP) + work(&mut b, BACKSTOP) + work(&mut c, BACKSTOP)
    }
}

mod question_kept {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> Result<u64, Refused> {
        let session = Closing::<WAY>(open(seed, WAY));
        let first = check(seed, WAY)?;
        let second = check(seed, WAY)?;
        Ok(u64::from(first + second) + session.0.0)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> Result<u64, Refused> {
        let session = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let first = check(seed, SCOPEGUARD)?;
        let second = check(seed, SCOPEGUARD)?;
        Ok(u64::from(first + second) + session.0)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> Result<u64, Refused> {
        #[cleanup(close(session, BACKSTOP))]
        let session = open(seed, BACKSTOP);
        let first = check(seed, BACKSTOP)?;
        let second = check(seed, BACKSTOP)?;
        Ok(u64::from(first + second) + session.0)
    }
}

mod question {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> Result<u64, Refused> {
        let mut session = Closing::<WAY>(open(seed, WAY));
        let first = step(&mut session.0, seed, WAY)?;
        let second = step(&mut session.0, seed, WAY)?;
        Ok(u64::from(first + second))
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> Result<u64, Refused> {
        let mut session = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let first = step(&mut session, seed, SCOPEGUARD)?;
        let second = step(&mut session, seed, SCOPEGUARD)?;
        Ok(u64::from(first + second))
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> Result<u64, Refused> {
        #[cleanup(close(session, BACKSTOP))]
        let mut session = open(seed, BACKSTOP);
        let first = step(&mut session, seed, BACKSTOP)?;
        let second = step(&mut session, seed, BACKSTOP)?;
        Ok(u64::from(first + second))
    }
}

mod question_three {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> Result<u64, Refused> {
        let mut a = Closing::<WAY>(open(seed, WAY));
        let first = step(&mut a.0, 5, WAY)?;
        let mut b = Closing::<WAY>(open(seed, WAY));
        let second = step(&mut b.0, 5, WAY)?;
        let mut c = Closing::<WAY>(open(seed, WAY));
        let third = step(&mut c.0, seed, WAY)?;
        Ok(u64::from(first + second + third))
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> Result<u64, Refused> {
        let mut a = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let first = step(&mut a, 5, SCOPEGUARD)?;
        let mut b = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let second = step(&mut b, 5, SCOPEGUARD)?;
        let mut c = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let third = step(&mut c, seed, SCOPEGUARD)?;
        Ok(u64::from(first + second + third))
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> Result<u64, Refused> {
        #[cleanup(close(a, BACKSTOP))]
        let mut a = open(seed, BACKSTOP);
        let first = step(&mut a, 5, BACKSTOP)?;
        #[cleanup(close(b, BACKSTOP))]
        let mut b = open(seed, BACKSTOP);
        let second = step(&mut b, 5, BACKSTOP)?;
        #[cleanup(close(c, BACKSTOP))]
        let mut c = open(seed, BACKSTOP);
        let third = step(&mut c, seed, BACKSTOP)?;
        Ok(u64::from(first + second + third))
    }
}

mod in_loop {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let mut sum = 0;
        for turn in 0..4 {
            let mut session = Closing::<WAY>(open(seed + turn, WAY));
            let part = work(&mut session.0, WAY);
            if part & 1 == 0 {
                continue;
            }
            sum += part;
        }
        sum
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let mut sum = 0;
        for turn in 0..4 {
            let mut session =
                ::scopeguard::guard(open(seed + turn, SCOPEGUARD), |s| close(s, SCOPEGUARD));
            let part = work(&mut session, SCOPEGUARD);
            if part & 1 == 0 {
                continue;
            }
            sum += part;
        }
        sum
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        let mut sum = 0;
        for turn in 0..4 {
            #[cleanup(close(session, BACKSTOP))]
            let mut session = open(seed + turn, BACKSTOP);
            let part = work(&mut session, BACKSTOP);
            if part & 1 == 0 {
                continue;
            }
            sum += part;
        }
        sum
    }
}

mod deferred {
    use super::*;

    struct Withdrawing<const WAY: u32>;

    impl<const WAY: u32> Drop for Withdrawing<WAY> {
        #[inline]
        fn drop(&mut self) {
            withdraw(WAY);
        }
    }

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let _withdrawing = Withdrawing::<WAY>;
        look(seed, WAY)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        ::scopeguard::defer! { withdraw(SCOPEGUARD) }
        look(seed, SCOPEGUARD)
    }

    #[inline(never)]
    pub(super) fn backstop(seed: u64) -> u64 {
        ::backstop::defer! { withdraw(BACKSTOP) }
        look(seed, BACKSTOP)
    }
}

mod by_reference {
    use super::*;

    struct Closing<const WAY: u32>(Session);

    impl<const WAY: u32> Drop for Closing<WAY> {
        #[inline]
        fn drop(&mut self) {
            close_by_reference(&mut self.0, WAY);
        }
    }

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let mut session = Closing::<WAY>(open(seed, WAY));
        work(&mut session.0, WAY)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let mut session = ::scopeguard::guard(open(seed, SCOPEGUARD), |mut session| {
            close_by_reference(&mut session, SCOPEGUARD);
        });
        work(&mut session, SCOPEGUARD)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        #[cleanup(close_by_reference(&mut session, BACKSTOP))]
        let mut session = open(seed, BACKSTOP);
        work(&mut session, BACKSTOP)
    }
}

mod fallible {
    use super::*;

    /// Ignores the failure, as destructors do.
    struct Flushing<const WAY: u32>(Session);

    impl<const WAY: u32> Drop for Flushing<WAY> {
        #[inline]
        fn drop(&mut self) {
            if let Err(message) = flush(Session(self.0.0), WAY) {
                eprintln!("{message}");
            }
        }
    }

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let mut session = Flushing::<WAY>(open(seed, WAY));
        work(&mut session.0, WAY)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let mut session = ::scopeguard::guard(open(seed, SCOPEGUARD), |session| {
            if let Err(message) = flush(session, SCOPEGUARD) {
                eprintln!("{message}");
            }
        });
        work(&mut session, SCOPEGUARD)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        #[cleanup(flush(session, BACKSTOP))]
        let mut session = open(seed, BACKSTOP);
        work(&mut session, BACKSTOP)
    }
}

mod wide {
    use super::*;
    use crate::opaque::{Wide, close_wide, open_wide, work_wide};

    struct Closing<const WAY: u32>(Wide);

    impl<const WAY: u32> Drop for Closing<WAY> {
        #[inline]
        fn drop(&mut self) {
            close_wide(&mut self.0, WAY);
        }
    }

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let mut wide = Closing::<WAY>(open_wide(seed, WAY));
        work_wide(&mut wide.0, WAY)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let mut wide = ::scopeguard::guard(open_wide(seed, SCOPEGUARD), |mut wide| {
            close_wide(&mut wide, SCOPEGUARD);
        });
        work_wide(&mut wide, SCOPEGUARD)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        #[cleanup(close_wide(&mut wide, BACKSTOP))]
        let mut wide = open_wide(seed, BACKSTOP);
        work_wide(&mut wide, BACKSTOP)
    }
}

mod text {
    use super::*;
    use crate::opaque::{close_text, open_text};

    struct Closing<const WAY: u32>(String);

    impl<const WAY: u32> Drop for Closing<WAY> {
        #[inline]
        fn drop(&mut self) {
            close_text(&self.0, WAY);
        }
    }

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> u64 {
        let text = Closing::<WAY>(open_text(WAY));
        look(seed, WAY) + text.0.len() as u64
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> u64 {
        let text = ::scopeguard::guard(open_text(SCOPEGUARD), |text| close_text(&text, SCOPEGUARD));
        look(seed, SCOPEGUARD) + text.len() as u64
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> u64 {
        #[cleanup(close_text(&text, BACKSTOP))]
        let text = open_text(BACKSTOP);
        look(seed, BACKSTOP) + text.len() as u64
    }
}
