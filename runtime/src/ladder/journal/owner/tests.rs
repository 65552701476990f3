use super::*;

const TABLE: &[u8] = b"\
22 1 254:0 / / rw - ext4 /dev/vda rw\n\
24 22 254:1 / /data rw - ext4 /dev/vdb rw\n\
25 22 0:30 / /tmp rw - tmpfs tmpfs rw\n";

fn owner() -> Owner {
    Owner {
        machine: Some("m".into()),
        boot: Some("b".into()),
        mount_namespace: Some(MountNamespace { number: 1, root: (2, 3) }),
        mounts: Mounts::parse(TABLE),
        pid_namespace: Some(PidNamespace { number: 4, started: Some(5) }),
        pid: 6,
        process: Some(Process { started: 7, stack: 8 }),
    }
}

fn rebooted() -> Owner {
    Owner { boot: Some("b2".into()), ..owner() }
}

/// A restarted container: other namespaces, the same filesystems.
fn container() -> Owner {
    Owner {
        mount_namespace: Some(MountNamespace { number: 9, root: (9, 3) }),
        pid_namespace: Some(PidNamespace { number: 9, started: Some(9) }),
        ..owner()
    }
}

fn verdict(theirs: &Owner, us: &Owner, path: Option<&str>, replays: bool) -> Verdict {
    let relation = theirs.relation(us, false).unwrap();
    theirs.verdict(us, relation, path.map(Path::new), None, replays)
}

#[test]
fn same_namespaces_perform_everything() {
    let relation = owner().relation(&owner(), false).unwrap();
    assert_eq!(relation, Relation { rebooted: false, same_mounts: true, same_pids: true });
    for path in [None, Some("/data/x"), Some("/tmp/x")] {
        assert_eq!(verdict(&owner(), &owner(), path, false), Verdict::Perform);
    }
    // Also where somebody mounted something since.
    let us = Owner { mounts: Mounts::default(), ..owner() };
    assert_eq!(verdict(&owner(), &us, Some("/data/x"), true), Verdict::Perform);
}

#[test]
fn number_of_a_namespace_alone_says_nothing() {
    let us = Owner {
        mount_namespace: Some(MountNamespace { number: 1, root: (99, 3) }),
        pid_namespace: Some(PidNamespace { number: 4, started: Some(99) }),
        ..owner()
    };
    let relation = owner().relation(&us, false).unwrap();
    assert_eq!(relation, Relation { rebooted: false, same_mounts: false, same_pids: false });
}

#[test]
fn restarted_container_performs_what_is_on_the_same_mounts() {
    assert_eq!(verdict(&owner(), &container(), Some("/data/x"), true), Verdict::Perform);
    let without = Owner { mounts: Mounts::parse(&TABLE[..38]), ..container() };
    assert_eq!(
        without.mounts.of(Path::new("/data")).unwrap().describe(),
        "ext4 from /dev/vda at /"
    );
    assert!(matches!(verdict(&owner(), &without, Some("/data/x"), true), Verdict::Keep(_)));
    assert_eq!(verdict(&owner(), &without, Some("/x"), true), Verdict::Perform);
}

#[test]
fn processes_and_commands_stay_in_their_pid_namespace() {
    assert!(matches!(verdict(&owner(), &container(), None, false), Verdict::Keep(_)));
    assert_eq!(verdict(&owner(), &container(), None, true), Verdict::Perform);
}

#[test]
fn restarted_system_drops_processes_and_commands_that_are_not_marked() {
    assert!(matches!(verdict(&owner(), &rebooted(), None, false), Verdict::Drop(_)));
    assert_eq!(verdict(&owner(), &rebooted(), None, true), Verdict::Perform);
}

#[test]
fn restarted_system_performs_what_is_on_the_same_mounts_and_drops_what_was_in_memory() {
    assert_eq!(verdict(&owner(), &rebooted(), Some("/data/x"), true), Verdict::Perform);
    assert!(matches!(verdict(&owner(), &rebooted(), Some("/tmp/x"), true), Verdict::Drop(_)));
    let unmounted = Owner { mounts: Mounts::parse(&TABLE[..38]), ..rebooted() };
    assert!(matches!(verdict(&owner(), &unmounted, Some("/data/x"), true), Verdict::Keep(_)));
    // Numbers of namespaces begin anew.
    assert!(!owner().relation(&rebooted(), false).unwrap().same_mounts);
}

#[test]
fn other_machines_segments_are_not_ours() {
    let other = Owner { machine: Some("m2".into()), ..rebooted() };
    assert!(owner().relation(&other, false).is_err());
    let unknown = Owner { machine: None, ..rebooted() };
    assert!(unknown.relation(&Owner { machine: None, ..owner() }, false).is_err());
    // One kernel has one boot id.
    assert!(owner().relation(&Owner { machine: None, ..owner() }, false).is_ok());
    let nowhere = Owner { boot: None, ..owner() };
    assert!(nowhere.relation(&nowhere, false).is_err());
    // A lock on a shared filesystem may be this machine's only, and machine ids are copied.
    assert!(owner().relation(&rebooted(), true).is_err());
    assert!(owner().relation(&owner(), true).is_ok());
}

#[test]
fn unknown_namespaces_are_not_the_same() {
    let unknown = Owner { mount_namespace: None, pid_namespace: None, ..owner() };
    let relation = unknown.relation(&unknown, false).unwrap();
    assert_eq!(relation, Relation { rebooted: false, same_mounts: false, same_pids: false });
}

#[test]
fn process_is_running_until_it_executes_another_program() {
    let us = Owner::current();
    assert!(us.is_running());
    let process = us.process.clone().unwrap();
    let executed = Process { stack: process.stack ^ 0x1000, ..process };
    assert!(!Owner { process: Some(executed), ..us.clone() }.is_running());
    let another = Process { started: process.started + 1, ..process };
    assert!(!Owner { process: Some(another), ..us }.is_running());
}

#[test]
fn a_process_has_ended_only_where_that_is_sure() {
    let process = Process { started: 555, stack: 777 };
    let found = |ending, threads, started| {
        Ok(Stat { process: Process { started, ..process.clone() }, ending, threads })
    };
    assert!(process.has_ended(found(true, 1, 555)));
    assert!(process.has_ended(found(false, 1, 556)), "another one has its number");
    assert!(process.has_ended(Err(io::ErrorKind::NotFound.into())));
    assert!(!process.has_ended(found(false, 1, 555)));
    assert!(!process.has_ended(found(true, 2, 555)), "only its main thread has");
    assert!(!process.has_ended(Err(io::ErrorKind::PermissionDenied.into())));
}

#[test]
fn stat_is_read_behind_any_name() {
    let line = |state, flags: u64| {
        format!(
            "7 (a) R (b\n) {state} 1 1 1 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 555 0 0 0 1 2 777 0 0\n"
        )
    };
    let stat = Stat::parse(line("S", 0x40_0000).as_bytes()).unwrap();
    assert_eq!(stat.process, Process { started: 555, stack: 777 });
    assert!(!stat.ending && stat.threads == 1);
    assert!(Stat::parse(line("Z", 0).as_bytes()).unwrap().ending);
    assert!(Stat::parse(line("R", 0x4).as_bytes()).unwrap().ending);
    assert!(Stat::parse(b"7 (x) R 1").is_none());
    assert!(Stat::parse(b"7 (x)").is_none());
}
