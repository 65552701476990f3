//! Signals as a program finds them when a person starts it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Lets the programs that this process starts find the signals that ask for an end at their default,
/// although this process was started with them ignored, by `nohup` or as a job in the background:
/// what is ignored is inherited, and what is handled is not.
///
/// # Panics
///
/// If a signal cannot be handled.
pub fn default_for_children() {
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        // This process ends by them as ever.
        flag::register_conditional_default(signal, Arc::new(AtomicBool::new(true)))
            .expect("the signal can be handled");
    }
}
