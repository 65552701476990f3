//! Group `hang`: what never returns, so that no destructor of the function ever runs.

use super::{Call, Group, ROW, Rule, Shows};

const HANG: Rule = Rule { group: Group::Hang, ..ROW };

const fn endless(path: &'static str) -> Call {
    Call { path, shows: Shows::EndlessDuration }
}

pub(super) const ROWS: &[Rule] = &[
    Rule {
        name: "endless_loop",
        // Found by its shape: `loop` or `while true` that nothing leaves.
        reason: "has no way out, so the destructors of this function never run",
        remedy: "`break` on a shutdown signal, or when its work runs out",
        example: "loop { poll(); }",
        instead: "loop { if poll() { break; } }",
        ..HANG
    },
    Rule {
        name: "park_forever",
        paths: &["std::thread::park", "std::future::pending", "futures::future::pending"],
        calls: &[
            endless("std::thread::sleep"),
            endless("std::thread::park_timeout"),
            endless("tokio::time::sleep"),
            endless("async_std::task::sleep"),
        ],
        reason: "waits without a deadline, so the destructors of this function may never run",
        remedy: "wait for a shutdown signal, or with a timeout",
        example: "std::thread::park();",
        instead: "std::thread::park_timeout(Duration::from_secs(5));",
        ..HANG
    },
];
