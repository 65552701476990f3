//! Cleanups for failures, beside a `match` with the cleanup in the `Err` arm.
#![allow(clippy::wildcard_imports, reason = "the modules only keep the names apart")]

use super::{BACKSTOP, Operation, SCOPEGUARD, shape};
use crate::opaque::{Refused, announce, check, close, finish, open, step, withdraw};
use ::scopeguard::ScopeGuard;

pub(super) fn operations() -> Vec<Operation> {
    [
        shape!("on = failure, address kept, Ok", kept, 5),
        shape!("on = failure, address kept, Err", kept, 0),
        shape!("on = failure, address escapes, Ok", one, 5),
        shape!("on = failure, address escapes, Err", one, 0),
        shape!("on = failure, three guards, Ok", three, 5),
        shape!("on = failure, three guards, Err", three, 0),
        shape!("on = failure, a call as tail, Ok", tail, 5, more = 2),
        shape!("on = failure, a call as tail, Err", tail, 0, more = 2),
        shape!("a guarded statement, Ok", statement, 5),
        shape!("a guarded statement, Err", statement, 0),
    ]
    .concat()
}

mod kept {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> Result<u64, Refused> {
        let session = open(seed, WAY);
        let number = match check(seed, WAY) {
            Ok(number) => number,
            Err(failure) => {
                close(session, WAY);
                return Err(failure.into());
            }
        };
        Ok(u64::from(number) + session.0)
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> Result<u64, Refused> {
        let session = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let number = u64::from(check(seed, SCOPEGUARD)?) + session.0;
        ScopeGuard::into_inner(session);
        Ok(number)
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> Result<u64, Refused> {
        #[cleanup(close(session, BACKSTOP), on = failure)]
        let session = open(seed, BACKSTOP);
        Ok(u64::from(check(seed, BACKSTOP)?) + session.0)
    }
}

mod one {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> Result<u64, Refused> {
        let mut session = open(seed, WAY);
        let number = match step(&mut session, seed, WAY) {
            Ok(number) => number,
            Err(failure) => {
                close(session, WAY);
                return Err(failure.into());
            }
        };
        Ok(u64::from(number))
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> Result<u64, Refused> {
        let mut session = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let number = step(&mut session, seed, SCOPEGUARD)?;
        ScopeGuard::into_inner(session);
        Ok(u64::from(number))
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> Result<u64, Refused> {
        #[cleanup(close(session, BACKSTOP), on = failure)]
        let mut session = open(seed, BACKSTOP);
        let number = step(&mut session, seed, BACKSTOP)?;
        Ok(u64::from(number))
    }
}

mod three {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> Result<u64, Refused> {
        let mut a = open(seed, WAY);
        let first = match step(&mut a, 5, WAY) {
            Ok(number) => number,
            Err(failure) => {
                close(a, WAY);
                return Err(failure.into());
            }
        };
        let mut b = open(seed, WAY);
        let second = match step(&mut b, 5, WAY) {
            Ok(number) => number,
            Err(failure) => {
                close(b, WAY);
                close(a, WAY);
                return Err(failure.into());
            }
        };
        let mut c = open(seed, WAY);
        let third = match step(&mut c, seed, WAY) {
            Ok(number) => number,
            Err(failure) => {
                close(c, WAY);
                close(b, WAY);
                close(a, WAY);
                return Err(failure.into());
            }
        };
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
        ScopeGuard::into_inner(c);
        ScopeGuard::into_inner(b);
        ScopeGuard::into_inner(a);
        Ok(u64::from(first + second + third))
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> Result<u64, Refused> {
        #[cleanup(close(a, BACKSTOP), on = failure)]
        let mut a = open(seed, BACKSTOP);
        let first = step(&mut a, 5, BACKSTOP)?;
        #[cleanup(close(b, BACKSTOP), on = failure)]
        let mut b = open(seed, BACKSTOP);
        let second = step(&mut b, 5, BACKSTOP)?;
        #[cleanup(close(c, BACKSTOP), on = failure)]
        let mut c = open(seed, BACKSTOP);
        let third = step(&mut c, seed, BACKSTOP)?;
        Ok(u64::from(first + second + third))
    }
}

mod tail {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> Result<u64, Refused> {
        let mut session = open(seed, WAY);
        let result = finish(&mut session, seed, WAY);
        if result.is_err() {
            close(session, WAY);
        }
        result
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> Result<u64, Refused> {
        let mut session = ::scopeguard::guard(open(seed, SCOPEGUARD), |s| close(s, SCOPEGUARD));
        let result = finish(&mut session, seed, SCOPEGUARD);
        if result.is_ok() {
            ScopeGuard::into_inner(session);
        }
        result
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> Result<u64, Refused> {
        #[cleanup(close(session, BACKSTOP), on = failure)]
        let mut session = open(seed, BACKSTOP);
        finish(&mut session, seed, BACKSTOP)
    }
}

mod statement {
    use super::*;

    #[inline(never)]
    pub(super) fn by_hand<const WAY: u32>(seed: u64) -> Result<u64, Refused> {
        announce(5, WAY)?;
        let number = match check(seed, WAY) {
            Ok(number) => number,
            Err(failure) => {
                withdraw(WAY);
                return Err(failure.into());
            }
        };
        Ok(u64::from(number))
    }

    #[inline(never)]
    pub(super) fn scopeguard(seed: u64) -> Result<u64, Refused> {
        announce(5, SCOPEGUARD)?;
        let announced = ::scopeguard::guard((), |()| withdraw(SCOPEGUARD));
        let number = check(seed, SCOPEGUARD)?;
        ScopeGuard::into_inner(announced);
        Ok(u64::from(number))
    }

    #[inline(never)]
    #[::backstop::must_cleanup]
    pub(super) fn backstop(seed: u64) -> Result<u64, Refused> {
        #[cleanup(withdraw(BACKSTOP), on = failure)]
        announce(5, BACKSTOP)?;
        let number = check(seed, BACKSTOP)?;
        Ok(u64::from(number))
    }
}
