use super::*;

const TABLE: &[u8] = b"\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
23 22 0:5 / /proc rw shared:3 - proc proc rw\n\
24 22 254:1 /sub\\040dir /mnt/a\\040b rw shared:1 master:2 - xfs /dev/vdb rw\n\
25 22 0:30 / /tmp rw - tmpfs tmpfs rw\n\
26 22 0:31 / /var/lib rw - overlay overlay rw,lowerdir=/l,upperdir=/u\n";

fn mount<'a>(mounts: &'a Mounts, path: &str) -> &'a Mount {
    mounts.of(Path::new(path)).unwrap()
}

#[test]
fn path_is_on_the_last_mount_over_it() {
    let mounts = Mounts::parse(TABLE);
    assert_eq!(mount(&mounts, "/home/x").describe(), "ext4 from /dev/vda at /");
    assert_eq!(mount(&mounts, "/mnt/a b/x").describe(), "xfs from /dev/vdb at /mnt/a b");
    assert_eq!(mount(&mounts, "/mnt/a bc").describe(), "ext4 from /dev/vda at /");
    let hidden = Mounts::parse(&[TABLE, b"27 22 254:9 / /mnt rw - ext4 /dev/vdz rw\n"].concat());
    assert_eq!(mount(&hidden, "/mnt/a b/x").describe(), "ext4 from /dev/vdz at /mnt");
}

#[test]
fn mounts_are_the_same_by_device_or_by_names_that_last() {
    let mounts = Mounts::parse(TABLE);
    let text = String::from_utf8(TABLE.to_vec()).unwrap();
    let others = |from: &str, to: &str| Mounts::parse(text.replace(from, to).as_bytes());
    for (path, from, to, now, rebooted) in [
        ("/home", "", "", true, true),
        ("/home", "/dev/vda", "/dev/sda", true, false),
        ("/home", "254:0", "8:0", true, true),
        ("/mnt/a b", "/sub\\040dir", "/sub", false, false),
        ("/mnt/a b", "/dev/vdb", "/dev/vdc", true, false),
        // Another memory filesystem has the same names.
        ("/tmp", "", "", true, false),
        ("/tmp", "0:30", "0:99", false, false),
        ("/var/lib", "0:31", "0:99", true, true),
        (
            "/var/lib",
            "0:31 / /var/lib rw - overlay overlay rw,lowerdir=/l,upperdir=/u",
            "0:99 / /var/lib rw - overlay overlay rw,lowerdir=/l,upperdir=/v",
            false,
            false,
        ),
    ] {
        let others = others(from, to);
        let (theirs, ours) = (mount(&mounts, path), mount(&others, path));
        assert_eq!(theirs.shows_the_same(ours, false), now, "{path} {from} {to}");
        assert_eq!(theirs.shows_the_same(ours, true), rebooted, "{path} {from} {to} rebooted");
    }
}

#[test]
fn broken_lines_are_passed_over() {
    assert_eq!(
        Mounts::parse(b"\n1\n1 2 3 4\n1 2 3 4 5 6 7\n1 2 3:4 / /x rw - ext4\n"),
        Mounts::default()
    );
    assert_eq!(Mounts::default().of(Path::new("/")), None);
    assert_eq!(unescape(b"a\\04\\999\\"), b"a\\04\\999\\");
}

#[test]
fn own_table_has_a_root() {
    assert!(Mounts::current().of(Path::new("/")).is_some());
}
