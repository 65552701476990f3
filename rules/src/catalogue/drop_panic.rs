//! Group `drop_panic`: what panics on purpose, looked for in the bodies of `impl Drop`.

use super::{Group, Method, ROW, Receiver, Rule, bare};

const DROP_PANIC: Rule = Rule { group: Group::DropPanic, ..ROW };

pub(super) const ROWS: &[Rule] = &[
    Rule {
        name: "drop_panic",
        paths: &[
            "std::panic::panic_any",
            "std::panic::resume_unwind",
            "std::option::Option::unwrap",
            "std::option::Option::expect",
            "std::result::Result::unwrap",
            "std::result::Result::expect",
            "std::result::Result::unwrap_err",
            "std::result::Result::expect_err",
        ],
        // Not `debug_assert!`: it is absent from the programs that users run.
        macros: &[
            "panic",
            "todo",
            "unimplemented",
            "unreachable",
            "assert",
            "assert_eq",
            "assert_ne",
            "assert_matches",
        ],
        methods: &[
            bare("unwrap"),
            bare("unwrap_err"),
            Method { name: "expect", arguments: Some(1), receiver: Receiver::Any },
            Method { name: "expect_err", arguments: Some(1), receiver: Receiver::Any },
        ],
        reason: "panics in a destructor, which aborts the process during another panic",
        remedy: "handle or report the failure, and go on with the rest of the cleanup",
        example: "self.file.flush().unwrap();",
        instead: "if let Err(error) = self.file.flush() { eprintln!(\"{error}\"); }",
        ..DROP_PANIC
    },
    Rule {
        name: "drop_index",
        pedantic: true,
        // Found by its shape: `a[i]`.
        reason: "panics in a destructor where it is out of bounds",
        remedy: "use `get`",
        example: "close(self.slots[at]);",
        instead: "if let Some(slot) = self.slots.get(at) { close(slot); }",
        ..DROP_PANIC
    },
];
