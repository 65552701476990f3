//! Where `kill_churn` and `kill_stranger` meet.

/// The names that both want, in every ground.
pub const NAMES: [&str; 8] = ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"];

/// The directories in which things are made. The stranger exchanges `swap` with a link to `victim`
/// and back; whoever makes something in `swap` at that time makes it in `victim`.
pub const GROUNDS: [&str; 5] = ["kill", "reboot", "exit", "swap", "victim"];
