//! A forked child runs nothing of its parent's, and may have cleanups of its own.

use backstop_tests_ladder::exit::run;

const PROGRAM: &str = env!("CARGO_BIN_EXE_exit_forks");

#[track_caller]
fn forks(way: &str, lines: &[&str]) {
    let ended = run(PROGRAM, &[way]);
    assert_eq!(ended.lines, lines, "{}", ended.stderr);
    assert_eq!(ended.how(), "code 7");
}

#[test]
fn a_child_that_exits_runs_nothing() {
    forks("exit", &["child: code 3", "parent"]);
}

#[test]
fn a_child_that_aborts_runs_nothing() {
    forks("abort", &["child: signal 6", "parent"]);
}

#[test]
fn a_child_that_leaves_by_the_end_runs_nothing() {
    forks("return", &["child: code 2", "parent"]);
}

/// The parent's handler is in the child, too.
#[test]
fn a_child_that_is_terminated_runs_nothing_and_dies_of_it() {
    forks("terminated", &["child: signal 15", "parent"]);
}

#[test]
fn a_child_that_the_c_library_does_not_know_runs_nothing() {
    // Its limit is an hour: it would wait for threads that it has not.
    forks("bare", &["child: code 3", "parent"]);
}

#[test]
fn a_child_has_its_own_cleanups_for_each_way_to_end() {
    forks("registers", &["child's own", "child: code 3", "parent"]);
    forks("registers-and-aborts", &["child's own", "child: signal 6", "parent"]);
    forks("registers-and-is-terminated", &["child's own", "child: signal 15", "parent"]);
}

#[test]
fn a_childs_child_does_too() {
    let lines = ["child's child's own", "child: code 4", "child's own", "child: code 3", "parent"];
    forks("grandchild", &lines);
}

#[test]
fn a_fork_before_the_first_registration_makes_two_of_them() {
    forks("before", &["child's own", "child: code 3", "parent"]);
}

/// As any destructor does in a child that leaves the scope.
#[test]
fn the_guard_of_a_scope_that_the_child_leaves_runs_there() {
    forks("guard", &["parent", "child: code 3", "parent"]);
}

#[test]
fn what_the_child_withdraws_stays_the_parents() {
    forks("withdraws", &["child: code 3", "parent"]);
}

/// Whatever locks those threads hold when the child comes to be.
#[test]
fn a_child_creates_while_threads_of_its_parent_were_creating() {
    forks("others-create", &["child: {\"code 3\"}", "parent"]);
}

#[test]
fn a_spawned_command_has_nothing_of_it() {
    forks("spawn", &["child: exit status: 0", "parent"]);
}
