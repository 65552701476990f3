//! The bytes of every kind of action, as version 2 writes them.
//!
//! The value is compared as text: it has the name of each field, which the bytes have not. So two
//! fields of one type that change places are found, too.

use super::*;

/// An action's bytes, field after field, and what they say.
struct Golden {
    what: &'static str,
    bytes: Vec<u8>,
    value: String,
}

const ID: &[u8] = b"0123456789abcdef";
const ID_TEXT: &str = "[48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102]";
const BOOT: &[u8] = b"ABCDEFGHIJKLMNOP";
const BOOT_TEXT: &str = "[65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80]";

fn action(
    what: &'static str,
    bytes: &[&[u8]],
    value: &str,
    (timeout, timeout_text): (&[u8], &str),
) -> Golden {
    let mut bytes = bytes.concat();
    bytes.extend(timeout);
    let value = format!("Prepared {{ what: {value}, timeout: {timeout_text} }}");
    Golden { what, bytes, value }
}

/// Seconds, and nanoseconds of 1,000,000.
const TEN: (&[u8], &str) = (&[10, 0], "10s");
const MINUTE: (&[u8], &str) = (&[60, 0xc0, 0x84, 0x3d], "60.001s");

/// `/d`, `f`, and the filesystem 300 with the id 7.
const PLACE: &[u8] = &[2, b'/', b'd', 1, b'f', 1, 0xac, 0x02, 7];
const PLACE_TEXT: &str = "place: Place { parent: [47, 100], name: [102], \
                          filesystem: Some(Filesystem { device: 300, id: 7 }) }";
/// The same without a filesystem.
const VOLATILE: &[u8] = &[2, b'/', b'd', 1, b'f', 0];
const VOLATILE_TEXT: &str = "place: Place { parent: [47, 100], name: [102], filesystem: None }";

/// An identity up to its mark: filesystem 300 with the id 7, inode 9, kind 0o100000.
const IDENTITY: &[u8] = &[1, 0xac, 0x02, 7, 9, 0x80, 0x80, 0x02];
const IDENTITY_TEXT: &str =
    "Identity { filesystem: Filesystem { device: 300, id: 7 }, inode: 9, kind: 32768";

fn removals() -> Vec<Golden> {
    vec![
        action(
            "remove_file, announced",
            &[&[0, 0], PLACE, ID, &[0], &[0]],
            &format!(
                "Remove(Removal {{ thing: File, {PLACE_TEXT}, tombstone: {ID_TEXT}, ours: Nothing, \
                 identity: None }})"
            ),
            TEN,
        ),
        action(
            "remove_file, committed with an attribute and a time of birth",
            // -2 s and 3 ns.
            &[&[0, 0], PLACE, ID, &[0], IDENTITY, &[1, 0], BOOT, &[1, 3, 3]],
            &format!(
                "Remove(Removal {{ thing: File, {PLACE_TEXT}, tombstone: {ID_TEXT}, ours: Nothing, \
                 identity: Some({IDENTITY_TEXT}, mark: Some(Attribute({BOOT_TEXT})), \
                 birth: Some((-2, 3)) }}) }})"
            ),
            TEN,
        ),
        action(
            "remove_dir_all, announced under its own random name",
            &[&[0, 1], VOLATILE, ID, &[2], &[0]],
            &format!(
                "Remove(Removal {{ thing: Directory, {VOLATILE_TEXT}, tombstone: {ID_TEXT}, \
                 ours: Name, identity: None }})"
            ),
            MINUTE,
        ),
        action(
            "remove_dir_all, announced under its tombstone, committed without mark and birth",
            &[&[0, 1], PLACE, ID, &[3], IDENTITY, &[0, 0]],
            &format!(
                "Remove(Removal {{ thing: Directory, {PLACE_TEXT}, tombstone: {ID_TEXT}, \
                 ours: Tombstone, identity: Some({IDENTITY_TEXT}, mark: None, birth: None }}) }})"
            ),
            MINUTE,
        ),
        action(
            "remove_dir_all, committed with an attribute and a file handle",
            // Type 1 of two bytes.
            &[&[0, 1], PLACE, ID, &[1], IDENTITY, &[1, 2], BOOT, &[2, 2, 5, 6], &[0]],
            &format!(
                "Remove(Removal {{ thing: Directory, {PLACE_TEXT}, tombstone: {ID_TEXT}, \
                 ours: Found, identity: Some({IDENTITY_TEXT}, \
                 mark: Some(Both({BOOT_TEXT}, 1, [5, 6])), birth: None }}) }})"
            ),
            MINUTE,
        ),
        action(
            "unlink_socket, announced",
            &[&[0, 2], PLACE, ID, &[0], &[0]],
            &format!(
                "Remove(Removal {{ thing: Socket, {PLACE_TEXT}, tombstone: {ID_TEXT}, \
                 ours: Nothing, identity: None }})"
            ),
            TEN,
        ),
        action(
            "unlink_socket, committed with a file handle",
            // Type -1 of two bytes.
            &[&[0, 2], PLACE, ID, &[0], IDENTITY, &[1, 1, 1, 2, 5, 6], &[0]],
            &format!(
                "Remove(Removal {{ thing: Socket, {PLACE_TEXT}, tombstone: {ID_TEXT}, \
                 ours: Nothing, identity: Some({IDENTITY_TEXT}, mark: Some(Handle(-1, [5, 6])), \
                 birth: None }}) }})"
            ),
            TEN,
        ),
    ]
}

fn ends_of_processes() -> Vec<Golden> {
    vec![
        action(
            "kill_process of a living one",
            // The start is 200, the namespace 4 and 5.
            &[&[1, 0], &[42, 0], &[84, 0xc8, 0x01], BOOT, &[4, 5], &[0]],
            &format!(
                "Kill(Kill {{ reach: Process, pid: 42, subject: Alive(Identity {{ pid: 42, \
                 start: 200, boot: {BOOT_TEXT}, namespace: (4, 5) }}), at_once: false }})"
            ),
            TEN,
        ),
        action(
            "kill_process_group of one that has ended, at once",
            &[&[1, 1], &[42, 1], &[1]],
            "Kill(Kill { reach: Group, pid: 42, subject: Ended, at_once: true })",
            TEN,
        ),
        action(
            "kill_process of a foreign one",
            &[&[1, 0], &[42, 2, 1, b'w'], &[0]],
            "Kill(Kill { reach: Process, pid: 42, subject: Foreign(\"w\"), at_once: false })",
            TEN,
        ),
        action(
            "kill_process of one that nothing is known of",
            &[&[1, 0], &[42, 3, 1, b'w'], &[0]],
            "Kill(Kill { reach: Process, pid: 42, subject: Unknown(\"w\"), at_once: false })",
            TEN,
        ),
    ]
}

fn programs() -> Vec<Golden> {
    vec![
        action(
            "run, announced",
            &[&[2], &[1, b'p'], &[0], &[0], &[0], &[0], &[0]],
            "Run { program: Program { file: [112], arguments: [], environment: [], \
             directory: None, after_reboot: false }, committed: false }",
            TEN,
        ),
        action(
            "run, committed, with all that a command has, also after a reboot",
            &[
                &[2],
                &[1, b'p'],
                &[2, 1, b'a', 1, b'b'],
                // `N` set to `v`, `M` removed.
                &[2, 1, b'N', 1, 1, b'v', 1, b'M', 0],
                &[1, 1, b'/'],
                &[1],
                &[1],
            ],
            "Run { program: Program { file: [112], arguments: [[97], [98]], \
             environment: [([78], Some([118])), ([77], None)], directory: Some([47]), \
             after_reboot: true }, committed: true }",
            MINUTE,
        ),
    ]
}

#[test]
fn actions_are_the_bytes_that_they_always_were() {
    let all = removals().into_iter().chain(ends_of_processes()).chain(programs());
    for Golden { what, bytes, value } in all {
        let advice = "the encoding of actions has changed: bump the version (`encoding::VERSION`), \
                      tell which older ones are still read (`encoding::OLDEST`), and only then \
                      change the bytes here";
        let decoded = decode(&bytes).unwrap_or_else(|| panic!("{what}: cannot be read; {advice}"));
        assert_eq!(format!("{decoded:?}"), value, "{what}: reads otherwise; {advice}");
        assert_eq!(*encode(&decoded).unwrap(), *bytes, "{what}: is written otherwise; {advice}");
    }
}

#[test]
fn bytes_are_those_of_this_version() {
    assert_eq!(VERSION, 2, "write the bytes of the new version above, then this number");
}

#[test]
fn versions_that_are_not_known_are_told_apart() {
    assert_eq!(check(VERSION), Ok(()));
    assert_eq!(check(VERSION + 1), Err(Unknown::Newer));
    assert_eq!(check(OLDEST - 1), Err(Unknown::Older));
}

#[test]
fn what_follows_an_action_is_no_part_of_it() {
    let mut bytes = programs().remove(0).bytes;
    bytes.push(0);
    assert_eq!(decode(&bytes), None);
    assert_eq!(decode(&bytes[..bytes.len() - 2]), None);
}
