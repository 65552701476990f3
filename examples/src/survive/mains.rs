//! The `main` that each kind of cleanup needs.

use std::process::ExitCode;

use super::{Column, child};

/// The `main` of a kind of cleanup; a patient one gives `main` more time than anybody waits here.
pub(super) fn of(column: Column, is_patient: bool) -> fn() -> ExitCode {
    match (column, is_patient) {
        (Column::Exit, false) => exit::main,
        (Column::Exit, true) => patient_exit::main,
        (Column::Kill, false) => kill::main,
        (Column::Kill, true) => patient_kill::main,
        (Column::Reboot, false) => reboot::main,
        (Column::Reboot, true) => patient_reboot::main,
        (Column::AsyncMain, _) => asynchronous::main,
        _ => child::play,
    }
}

/// Each has the same body; they differ in their attribute.
macro_rules! mains {
    ($($name:ident: $attribute:meta;)*) => {$(
        mod $name {
            #[$attribute]
            pub(super) fn main() -> std::process::ExitCode {
                super::child::play()
            }
        }
    )*};
}

mains! {
    exit: backstop::main(grace = "200ms");
    kill: backstop::main(grace = "200ms", reaper);
    reboot: backstop::main(grace = "200ms", reaper, journal);
    patient_exit: backstop::main(grace = "10m");
    patient_kill: backstop::main(grace = "10m", reaper);
    patient_reboot: backstop::main(grace = "10m", reaper, journal);
}

mod asynchronous {
    #[backstop::main(grace = "200ms", worker_threads = 1)]
    pub(super) async fn main() -> std::process::ExitCode {
        super::child::play_in_runtime().await
    }
}
