//! Group `forget`.

mod support;

use support::{each, found, nothing, scan};

#[test]
fn forgetting_is_found() {
    each(
        "mem_forget",
        &[
            ("mem::forget(guard)", "mem::forget"),
            ("core::mem::forget(guard)", "core::mem::forget"),
            ("use std::mem::forget; forget(guard)", "forget"),
            ("let f = mem::forget::<String>;", "mem::forget"),
            ("values.for_each(std::mem::forget)", "std::mem::forget"),
        ],
    );
    nothing(&["cache.forget(key)", "forget(x)", "fn f() { mem::forget(x) }", "Cache::forget(key)"]);
}

#[test]
fn wrappers_without_a_destructor_are_found() {
    each(
        "manually_drop",
        &[
            ("ManuallyDrop::new(x)", "ManuallyDrop::new"),
            ("std::mem::ManuallyDrop::<T>::new(x)", "std::mem::ManuallyDrop::<T>::new"),
            ("<ManuallyDrop<_>>::new(x)", "<ManuallyDrop<_>>::new"),
            ("use std::mem::ManuallyDrop as M; M::new(x)", "M::new"),
        ],
    );
    each(
        "maybe_uninit_new",
        &[
            ("MaybeUninit::new(x)", "MaybeUninit::new"),
            ("mem::MaybeUninit::new(x)", "mem::MaybeUninit::new"),
            ("items.map(core::mem::MaybeUninit::new)", "core::mem::MaybeUninit::new"),
        ],
    );
    nothing(&["MaybeUninit::uninit()", "struct ManuallyDrop; ManuallyDrop::new(x)"]);
}

#[test]
fn leaks_are_found() {
    each(
        "box_leak",
        &[
            ("Box::leak(x)", "Box::leak"),
            ("Box::<T>::leak(x)", "Box::<T>::leak"),
            ("<Box<_>>::leak(x)", "<Box<_>>::leak"),
            ("alloc::boxed::Box::leak(x)", "alloc::boxed::Box::leak"),
            ("Vec::leak(x)", "Vec::leak"),
            ("String::leak(x)", "String::leak"),
            ("x.into_boxed_str().leak()", "leak"),
            ("items.map(Box::leak)", "Box::leak"),
        ],
    );
    nothing(&["pipe.leak(3)", "use bump::Box; Box::leak(x)"]);
}

#[test]
fn raw_pointers_are_found_unless_taken_back() {
    each(
        "into_raw",
        &[
            ("Box::into_raw(x)", "Box::into_raw"),
            ("std::sync::Arc::into_raw(x)", "std::sync::Arc::into_raw"),
            ("name.into_raw()", "into_raw"),
            ("CString::into_raw(name)", "CString::into_raw"),
            ("let p = Box::into_raw(x); Rc::from_raw(q)", "Box::into_raw"),
            ("let p = <Box<T>>::into_raw(x);", "<Box<T>>::into_raw"),
        ],
    );
    nothing(&[
        "let p = Box::into_raw(x); drop(unsafe { Box::from_raw(p) });",
        "let p = std::sync::Arc::into_raw(x); Arc::from_raw(p)",
        "let p = name.into_raw(); CString::from_raw(p)",
        "let p = Rc::into_raw(x); f(|| Rc::<T>::from_raw(p))",
        "let p = Box::into_raw(x); unknown!(unsafe => Box::from_raw(p));",
        "let p = file.into_raw_fd(); File::from_raw_fd(p)",
        "let p = IntoRawFd::into_raw_fd(file); OwnedFd::from_raw_fd(p)",
    ]);
}

#[test]
fn raw_descriptors_are_found() {
    each(
        "into_raw_fd",
        &[
            ("file.into_raw_fd()", "into_raw_fd"),
            ("IntoRawFd::into_raw_fd(file)", "IntoRawFd::into_raw_fd"),
            ("<File as IntoRawFd>::into_raw_fd(file)", "<File as IntoRawFd>::into_raw_fd"),
            ("socket.into_raw_socket()", "into_raw_socket"),
            ("file.into_raw_handle()", "into_raw_handle"),
        ],
    );
    nothing(&["file.as_raw_fd()"]);
}

#[test]
fn disabled_guards_are_found() {
    each(
        "guard_leak",
        &[
            ("permit.forget()", "forget"),
            ("SemaphorePermit::forget(permit)", "SemaphorePermit::forget"),
            ("parking_lot::MutexGuard::leak(guard)", "parking_lot::MutexGuard::leak"),
            ("use lock_api::MutexGuard as G; G::leak(guard)", "G::leak"),
            ("dir.keep()", "keep"),
            ("NamedTempFile::new()?.keep()?;", "keep"),
            ("TempDir::into_path(dir)", "TempDir::into_path"),
            ("let dir = tempfile::tempdir()?; dir.into_path()", "into_path"),
            ("dir.disable_cleanup(true)", "disable_cleanup"),
        ],
    );
    nothing(&[
        "dir.disable_cleanup(false)",
        "dir.disable_cleanup(keep)",
        "entry.into_path()",
        "list.keep(3)",
    ]);
}

#[test]
fn pedantic_forgetting_is_found() {
    each(
        "transmute_to_static",
        &[
            ("mem::transmute::<&'a str, &'static str>(x)", "mem::transmute"),
            ("use std::mem::transmute; transmute::<_, &'static T>(x)", "transmute"),
            ("unknown!(x => mem::transmute::<&u8, &'static u8>(x));", "mem::transmute"),
        ],
    );
    each(
        "ptr_write",
        &[
            ("ptr::write(p, x)", "ptr::write"),
            ("std::ptr::write_unaligned(p, x)", "std::ptr::write_unaligned"),
            ("use core::ptr; ptr::write(p, x)", "ptr::write"),
        ],
    );
    each(
        "set_len",
        &[
            ("v.set_len(0)", "set_len"),
            ("Vec::set_len(&mut v, 0)", "Vec::set_len"),
            ("f(v).set_len(n + 1)", "set_len"),
        ],
    );
    nothing(&["mem::transmute::<u32, f32>(x)", "mem::transmute(x)", "p.write(x)", "v.set_len()"]);
}

#[test]
fn findings_come_in_the_order_of_the_source() {
    let code = "mem::forget(a); Box::into_raw(b); mem::forget(c); Box::leak(d);";
    let rules: Vec<_> = scan(code).findings.iter().map(|found| found.rule.name).collect();
    assert_eq!(rules, ["mem_forget", "into_raw", "mem_forget", "box_leak"]);
    assert_eq!(found("a.leak().into_raw()"), ["box_leak: leak", "into_raw: into_raw"]);
}
