//! Group `forget`: what gives a value up without running its destructor.

use super::{Call, Group, Kind, Method, ROW, Receiver, Rule, Shows, bare};

const FORGET: Rule = Rule { group: Group::Forget, ..ROW };

pub(super) const ROWS: &[Rule] = &[
    Rule {
        name: "mem_forget",
        paths: &["std::mem::forget", "std::mem::forget_unsized", "std::intrinsics::forget"],
        reason: "gives a value up without running its destructor",
        remedy: "drop the value, or hand it to whoever is to own it",
        example: "std::mem::forget(guard);",
        instead: "drop(guard);",
        ..FORGET
    },
    Rule {
        name: "manually_drop",
        paths: &["std::mem::ManuallyDrop::new"],
        reason: "wraps a value so that its destructor does not run",
        remedy: "keep the value itself, or move it out through an `Option`",
        example: "let file = ManuallyDrop::new(file);",
        instead: "let file = Some(file);",
        ..FORGET
    },
    Rule {
        name: "maybe_uninit_new",
        paths: &["std::mem::MaybeUninit::new"],
        reason: "wraps a value so that its destructor does not run",
        remedy: "use an `Option`, which drops what it holds",
        example: "let slot = MaybeUninit::new(session);",
        instead: "let slot = Some(session);",
        ..FORGET
    },
    Rule {
        name: "box_leak",
        paths: &[
            "std::boxed::Box::leak",
            "std::vec::Vec::leak",
            "std::string::String::leak",
            "std::ffi::OsString::leak",
            "std::path::PathBuf::leak",
            "std::rc::Rc::leak",
            "std::sync::Arc::leak",
        ],
        methods: &[bare("leak")],
        reason: "leaks a value, whose destructor never runs",
        remedy: "keep an owner, or put what lives for ever in a `static` `OnceLock`",
        example: "let name: &'static str = Box::leak(name);",
        instead: "let name: &'static str = NAME.get_or_init(|| name);",
        ..FORGET
    },
    Rule {
        name: "into_raw",
        paths: &[
            "std::boxed::Box::into_raw",
            "std::boxed::Box::into_raw_with_allocator",
            "std::boxed::Box::into_non_null",
            "std::rc::Rc::into_raw",
            "std::rc::Weak::into_raw",
            "std::sync::Arc::into_raw",
            "std::sync::Weak::into_raw",
            "std::ffi::CString::into_raw",
            "std::ffi::c_str::CString::into_raw",
        ],
        methods: &[bare("into_raw")],
        pairs: &[
            ("into_raw", "from_raw"),
            ("into_raw_with_allocator", "from_raw_in"),
            ("into_non_null", "from_non_null"),
        ],
        reason: "gives a value up to a raw pointer, and nothing here takes it back",
        remedy: "take it back with `from_raw` in the same function, or lend it with `as_ptr`",
        example: "let raw = Box::into_raw(state);",
        instead: "let raw = Box::into_raw(state); register(raw); drop(unsafe { Box::from_raw(raw) });",
        ..FORGET
    },
    Rule {
        name: "into_raw_fd",
        paths: &[
            "std::os::fd::IntoRawFd::into_raw_fd",
            "std::os::unix::io::IntoRawFd::into_raw_fd",
            "std::os::windows::io::IntoRawHandle::into_raw_handle",
            "std::os::windows::io::IntoRawSocket::into_raw_socket",
        ],
        methods: &[bare("into_raw_fd"), bare("into_raw_handle"), bare("into_raw_socket")],
        pairs: &[
            ("into_raw_fd", "from_raw_fd"),
            ("into_raw_handle", "from_raw_handle"),
            ("into_raw_socket", "from_raw_socket"),
        ],
        reason: "gives a descriptor up, and nothing here closes it",
        remedy: "lend it with `as_fd`, or pass it on as an `OwnedFd`",
        example: "let fd = file.into_raw_fd();",
        instead: "let fd = OwnedFd::from(file);",
        ..FORGET
    },
    Rule {
        name: "guard_leak",
        paths: &[
            "parking_lot::MutexGuard::leak",
            "parking_lot::RwLockReadGuard::leak",
            "parking_lot::RwLockWriteGuard::leak",
            "lock_api::MutexGuard::leak",
            "lock_api::ReentrantMutexGuard::leak",
            "lock_api::RwLockReadGuard::leak",
            "lock_api::RwLockWriteGuard::leak",
            "std::cell::Ref::leak",
            "std::cell::RefMut::leak",
            "tokio::sync::SemaphorePermit::forget",
            "tokio::sync::OwnedSemaphorePermit::forget",
            "tempfile::TempDir::keep",
            "tempfile::TempDir::into_path",
            "tempfile::NamedTempFile::keep",
            "tempfile::TempPath::keep",
            "tempfile::SpooledTempFile::keep",
        ],
        methods: &[
            bare("forget"),
            bare("keep"),
            Method {
                name: "into_path",
                arguments: Some(0),
                receiver: Receiver::Is(Kind::TempFile),
            },
            Method {
                name: "disable_cleanup",
                arguments: Some(1),
                receiver: Receiver::TrueArgument,
            },
        ],
        reason: "switches a guard's cleanup off",
        remedy: "drop the guard, or move it to whoever is to clean up",
        example: "permit.forget();",
        instead: "drop(permit);",
        ..FORGET
    },
    Rule {
        name: "transmute_to_static",
        pedantic: true,
        calls: &[
            Call { path: "std::mem::transmute", shows: Shows::StaticLifetime },
            Call { path: "std::mem::transmute_copy", shows: Shows::StaticLifetime },
            Call { path: "std::intrinsics::transmute", shows: Shows::StaticLifetime },
        ],
        reason: "makes a borrow outlive the scope whose cleanup it depends on",
        remedy: "borrow within a scope, or share the value with an `Arc`",
        example: "let text = unsafe { mem::transmute::<&str, &'static str>(text) };",
        instead: "let text: Arc<str> = Arc::from(text);",
        ..FORGET
    },
    Rule {
        name: "ptr_write",
        pedantic: true,
        paths: &["std::ptr::write", "std::ptr::write_unaligned", "std::ptr::write_volatile"],
        reason: "overwrites a value without running its destructor",
        remedy: "assign, or use `mem::replace`",
        example: "unsafe { ptr::write(slot, value) };",
        instead: "*slot = value;",
        ..FORGET
    },
    Rule {
        name: "set_len",
        pedantic: true,
        paths: &["std::vec::Vec::set_len", "std::string::String::set_len"],
        methods: &[Method { name: "set_len", arguments: Some(1), receiver: Receiver::Any }],
        reason: "shortens a vector without running the destructors of its elements",
        remedy: "use `truncate` or `clear`",
        example: "unsafe { items.set_len(0) };",
        instead: "items.clear();",
        ..FORGET
    },
];
