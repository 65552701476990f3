//! Stand-ins with the names of the crates: by-name rules go by the spelling.

#![allow(non_snake_case)]

use backstop::no_exit;

mod libc {
    pub unsafe fn exit(_: i32) {}
    pub unsafe fn _exit(_: i32) {}
    pub unsafe fn _Exit(_: i32) {}
    pub unsafe fn abort() {}
    pub unsafe fn execv(_: *const i8, _: *const *const i8) {}
    pub unsafe fn pthread_exit(_: *mut u8) {}
    pub unsafe fn longjmp(_: *mut u8, _: i32) {}
    pub unsafe fn raise(_: i32) {}
    pub unsafe fn kill(_: i32, _: i32) {}
    pub fn getpid() -> i32 {
        1
    }
}

mod nix {
    pub mod unistd {
        pub fn _exit(_: i32) {}
    }
    pub mod sys {
        pub mod signal {
            pub fn raise(_: u8) {}
        }
    }
}

mod rustix {
    pub mod runtime {
        pub fn exit_group(_: i32) {}
    }
}

mod signal_hook {
    pub mod low_level {
        pub fn exit(_: i32) {}
        pub fn abort() {}
    }
}

#[no_exit]
fn c_library() {
    unsafe {
        libc::exit(1);
        libc::_exit(1);
        libc::_Exit(1);
        libc::abort();
        libc::execv(std::ptr::null(), std::ptr::null());
        libc::pthread_exit(std::ptr::null_mut());
        libc::longjmp(std::ptr::null_mut(), 1);
        libc::raise(6);
        libc::kill(libc::getpid(), 9);
        libc::kill(0, 9);
    }
}

#[no_exit]
fn aliased() {
    use self::libc as c;
    unsafe { c::_exit(1) };
}

#[no_exit]
fn wrappers() {
    nix::unistd::_exit(1);
    nix::sys::signal::raise(9);
    rustix::runtime::exit_group(1);
    signal_hook::low_level::exit(1);
    signal_hook::low_level::abort();
}

fn main() {
    c_library();
    aliased();
    wrappers();
}
