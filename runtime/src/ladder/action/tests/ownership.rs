//! Nothing is removed but what is surely ours.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{FileType, XattrFlags};

use super::{Yard, committed, done, gone, left_alone, names, sent};
use crate::ladder::action::deadline::Deadline;
use crate::ladder::action::identity::Identity;
use crate::ladder::action::open::{Opener, look};
use crate::ladder::action::remove::{Removal, Thing};
use crate::ladder::action::{Action, Performed};

const ATTRIBUTE: &str = "user.backstop.id";

/// A directory with something in it that must not go.
fn victim(yard: &Yard) -> std::path::PathBuf {
    let victim = yard.at("victim");
    fs::create_dir_all(victim.join("dir")).unwrap();
    fs::write(victim.join("dir/file"), "precious").unwrap();
    victim
}

fn unharmed(victim: &Path) {
    assert_eq!(fs::read_to_string(victim.join("dir/file")).unwrap(), "precious");
}

#[test]
fn a_link_in_place_of_the_thing_is_not_followed() {
    let yard = Yard::new();
    let victim = victim(&yard);
    fs::create_dir(yard.at("dir")).unwrap();
    let prepared = committed(Action::remove_dir_all(yard.at("dir")));
    fs::remove_dir(yard.at("dir")).unwrap();
    symlink(victim.join("dir"), yard.at("dir")).unwrap();

    assert!(left_alone(prepared.perform()).contains("another type"));
    // Not even if whatever has the name is ours.
    assert!(
        left_alone(prepared_by_name(&yard).perform())
            .contains("is a symbolic link and no directory")
    );
    assert_eq!(yard.names(), ["dir", "victim"]);
    unharmed(&victim);
}

fn prepared_by_name(yard: &Yard) -> crate::ladder::action::Prepared {
    Action::remove_dir_all(yard.at("dir")).prepare().unwrap().ours()
}

#[test]
fn a_link_in_place_of_the_parent_is_not_followed() {
    for openat2 in [true, false] {
        let yard = Yard::new();
        let victim = victim(&yard);
        fs::create_dir_all(yard.at("parent/dir")).unwrap();
        let mut removal = Removal::new(Thing::Directory, &yard.at("parent/dir")).unwrap();
        removal.commit().unwrap();
        fs::rename(yard.at("parent"), yard.at("moved")).unwrap();
        symlink(&victim, yard.at("parent")).unwrap();

        for removal in [removal.clone(), removal.by_name()] {
            let why = left_alone(removal.perform_with(Opener { openat2 }, timeout()));
            assert!(why.contains("symbolic link"), "{why}");
        }
        unharmed(&victim);
        assert!(yard.at("moved/dir").exists());
    }
}

fn timeout() -> Deadline {
    Deadline::after(std::time::Duration::from_secs(120))
}

#[test]
fn a_link_further_up_is_not_followed() {
    for openat2 in [true, false] {
        let yard = Yard::new();
        let path = yard.at("up/parent/dir");
        fs::create_dir_all(path.join("sub")).unwrap();
        let mut removal = Removal::new(Thing::Directory, &path).unwrap();
        removal.commit().unwrap();
        // To the very same directory: it is the way that is refused.
        fs::rename(yard.at("up"), yard.at("moved")).unwrap();
        symlink("moved", yard.at("up")).unwrap();
        let why = left_alone(removal.perform_with(Opener { openat2 }, timeout()));
        assert!(why.contains("symbolic link"), "{why}");
        assert!(path.join("sub").exists());
    }
}

#[test]
fn links_inside_are_removed_and_not_followed() {
    for openat2 in [true, false] {
        let yard = Yard::new();
        let victim = victim(&yard);
        fs::create_dir_all(yard.at("dir/sub")).unwrap();
        symlink(&victim, yard.at("dir/link")).unwrap();
        symlink("../../victim/dir", yard.at("dir/sub/link")).unwrap();
        symlink(victim.join("dir/file"), yard.at("dir/sub/file")).unwrap();
        let mut removal = Removal::new(Thing::Directory, &yard.at("dir")).unwrap();
        removal.commit().unwrap();
        done(removal.perform_with(Opener { openat2 }, timeout()));
        assert_eq!(yard.names(), ["victim"]);
        unharmed(&victim);
    }
}

#[test]
fn a_replaced_directory_is_left_alone() {
    let yard = Yard::new();
    fs::create_dir(yard.at("dir")).unwrap();
    let prepared = committed(Action::remove_dir_all(yard.at("dir")));
    fs::rename(yard.at("dir"), yard.at("old")).unwrap();
    fs::create_dir(yard.at("dir")).unwrap();
    fs::write(yard.at("dir/file"), "").unwrap();

    let why = left_alone(prepared.perform());
    assert!(why.contains("/dir\" is left alone") && why.contains("other inode"), "{why}");
    assert_eq!(names(&yard.at("dir")), ["file"]);
    assert!(yard.at("old").exists());
}

/// On file systems that give numbers away at once (ext4); where they do not, the number differs and
/// the thing is left alone for that.
#[test]
fn a_reused_inode_number_is_not_taken_for_the_same_file() {
    let yard = Yard::new();
    let path = yard.at("thing");
    let mut reused = 0;
    for turn in 0..100 {
        let directory = turn % 2 == 0;
        let make = || {
            if directory {
                fs::create_dir(&path).unwrap();
            } else {
                drop(File::create(&path).unwrap());
            }
        };
        let action =
            if directory { Action::remove_dir_all(&path) } else { Action::remove_file(&path) };
        make();
        let inode = fs::metadata(&path).unwrap().ino();
        let prepared = committed(action.clone());
        action.perform().unwrap();
        make();
        reused += u32::from(fs::metadata(&path).unwrap().ino() == inode);
        left_alone(prepared.perform());
        assert!(path.exists());
        action.perform().unwrap();
    }
    eprintln!("inode numbers reused: {reused} of 100");
}

#[test]
fn the_same_inode_with_another_id_is_left_alone() {
    let yard = Yard::new();
    let path = yard.at("dir");
    fs::create_dir(&path).unwrap();
    let prepared = committed(Action::remove_dir_all(&path));
    let mut id = [0; 16];
    if rustix::fs::getxattr(&path, ATTRIBUTE, &mut id) != Ok(16) {
        eprintln!("skipped: no user attributes on {path:?}");
        return;
    }
    rustix::fs::setxattr(&path, ATTRIBUTE, &[7; 16], XattrFlags::REPLACE).unwrap();
    assert!(left_alone(prepared.perform()).contains("other id"));
    rustix::fs::setxattr(&path, ATTRIBUTE, &[7; 5], XattrFlags::REPLACE).unwrap();
    assert!(left_alone(prepared.perform()).contains("other id"));
    rustix::fs::setxattr(&path, ATTRIBUTE, &id, XattrFlags::REPLACE).unwrap();
    done(prepared.perform());
}

/// `cp -a` copies the attribute.
#[test]
fn a_copy_with_the_same_id_is_left_alone() {
    let yard = Yard::new();
    let path = yard.at("dir");
    for _ in 0..20 {
        fs::create_dir(&path).unwrap();
        let prepared = committed(Action::remove_dir_all(&path));
        let mut id = [0; 16];
        if rustix::fs::getxattr(&path, ATTRIBUTE, &mut id) != Ok(16) {
            eprintln!("skipped: no user attributes on {path:?}");
            return;
        }
        let born = fs::metadata(&path).unwrap().created();
        fs::remove_dir(&path).unwrap();
        // The next tick of the clock that times of birth are taken from.
        while File::create(yard.at("clock")).is_ok_and(|clock| {
            let same = clock.metadata().unwrap().created().ok() == born.as_ref().ok().copied();
            fs::remove_file(yard.at("clock")).unwrap();
            same
        }) {}
        fs::create_dir(&path).unwrap();
        rustix::fs::setxattr(&path, ATTRIBUTE, &id, XattrFlags::CREATE).unwrap();
        left_alone(prepared.perform());
        fs::remove_dir(&path).unwrap();
    }
}

#[test]
fn two_actions_on_one_thing_both_know_it() {
    let yard = Yard::new();
    let path = yard.at("file");
    File::create(&path).unwrap();
    let first = committed(Action::remove_file(&path));
    let second = committed(Action::remove_file(&path));
    done(first.perform());
    gone(second.perform());
}

/// Neither sockets nor links take user attributes.
#[test]
fn sockets_and_links_are_known_without_an_attribute() {
    let yard = Yard::new();
    let (socket, link) = (yard.at("socket"), yard.at("link"));
    let parent = File::open(&yard.path).unwrap();
    for _ in 0..10 {
        let listener = UnixListener::bind(&socket).unwrap();
        symlink("nowhere", &link).unwrap();
        let mut by_fd = Action::unlink_socket(&socket).prepare().unwrap();
        by_fd
            .commit_fd(look(parent.as_fd(), "socket".as_ref()).unwrap().unwrap().fd.as_fd())
            .unwrap();
        // A listener's descriptor is not the file's.
        let mut astray = Action::unlink_socket(&socket).prepare().unwrap();
        astray.commit_fd(listener.as_fd()).unwrap();
        left_alone(astray.perform());
        let prepared = [
            committed(Action::unlink_socket(&socket)),
            committed(Action::remove_file(&link)),
            by_fd,
        ];

        // A successor takes their names, and on ext4 their inode numbers.
        fs::remove_file(&socket).unwrap();
        fs::remove_file(&link).unwrap();
        let _successor = UnixListener::bind(&socket).unwrap();
        symlink("nowhere", &link).unwrap();
        for prepared in prepared {
            left_alone(prepared.perform());
        }
        done(committed(Action::unlink_socket(&socket)).perform());
        done(committed(Action::remove_file(&link)).perform());
        assert_eq!(yard.names(), [""; 0]);
    }
}

/// Each of the marks must tell by itself: file systems have one or the other.
#[test]
fn a_handle_or_a_birth_alone_tells_a_successor() {
    let yard = Yard::new();
    let path = yard.at("socket");
    let look = |parent: &File| look(parent.as_fd(), "socket".as_ref()).unwrap().unwrap();
    let parent = File::open(&yard.path).unwrap();
    for _ in 0..20 {
        let listener = UnixListener::bind(&path).unwrap();
        let identity = Identity::take(look(&parent).fd.as_fd()).unwrap();
        let (handle, birth) = (identity.clone().without_birth(), identity.without_mark());
        let neither = handle.clone().without_mark();
        for known in [&handle, &birth] {
            assert_eq!(known.difference(&look(&parent)).unwrap(), None);
        }
        let unsure = neither.difference(&look(&parent)).unwrap().unwrap();
        assert!(unsure.contains("may be another one"), "{unsure}");

        drop(listener);
        fs::remove_file(&path).unwrap();
        let _successor = UnixListener::bind(&path).unwrap();
        for known in [&handle, &birth] {
            known.difference(&look(&parent)).unwrap().expect("another one");
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_link_is_removed_itself() {
    let yard = Yard::new();
    let victim = victim(&yard);
    symlink(victim.join("dir/file"), yard.at("link")).unwrap();
    done(committed(Action::remove_file(yard.at("link"))).perform());
    assert_eq!(yard.names(), ["victim"]);
    unharmed(&victim);
}

#[test]
fn a_commit_by_descriptor_means_that_file() {
    let yard = Yard::new();
    let path = yard.at("file");
    let file = File::create(&path).unwrap();
    let mut prepared = Action::remove_file(&path).prepare().unwrap();
    fs::rename(&path, yard.at("moved")).unwrap();
    fs::write(&path, "a stranger's").unwrap();
    prepared.commit_fd(file.as_fd()).unwrap();
    left_alone(sent(&prepared).perform());
    fs::rename(yard.at("moved"), &path).unwrap();
    done(sent(&prepared).perform());
}

#[test]
fn a_read_only_file_of_another_user_is_still_known() {
    // The attribute cannot be set through a descriptor without permission: the file handle or the
    // time of birth stand in. (For root, the attribute can always be set.)
    let yard = Yard::new();
    let path = yard.at("file");
    File::create(&path).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    done(committed(Action::remove_file(&path)).perform());
}

#[test]
fn an_intent_alone_is_acted_on_only_under_our_own_name() {
    let yard = Yard::new();
    let path = yard.at("name");
    let prepared = sent(&Action::remove_file(&path).prepare().unwrap());
    // Nothing was created.
    gone(prepared.perform());
    // A stranger took the name between intent and creation.
    File::create(&path).unwrap();
    let why = left_alone(prepared.perform());
    assert!(why.contains("announced"), "{why}");
    assert!(path.exists());
    done(prepared.ours().perform());
    assert_eq!(yard.names(), [""; 0]);
}

/// Who watches the directory sees the name, too, and may put something else there.
#[test]
fn an_intent_alone_is_not_acted_on_where_there_is_something_in_it() {
    let yard = Yard::new();
    let (file, dir) = (yard.at("file"), yard.at("dir"));
    fs::write(&file, "precious").unwrap();
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("file"), "precious").unwrap();
    for action in [Action::remove_file(&file), Action::remove_dir_all(&dir)] {
        let prepared = sent(&action.clone().prepare().unwrap().ours());
        assert!(left_alone(prepared.perform()).contains("is not empty"));
        assert_eq!(yard.names(), ["dir", "file"]);
        assert_eq!(fs::read_to_string(dir.join("file")).unwrap(), "precious");
        // The same where they lie under the name that they are created with.
        let mut removal = match action.prepare().unwrap().what {
            crate::ladder::action::Ready::Remove(removal) => removal.born_buried(),
            other => panic!("{other:?}"),
        };
        let (name, hidden) = (removal.place().path(), yard.at(removal.tombstone()));
        fs::rename(&name, &hidden).unwrap();
        assert!(left_alone(removal.perform(timeout())).contains("is not empty"));
        fs::rename(&hidden, &name).unwrap();
        removal.commit_fd(File::open(&name).unwrap().as_fd()).unwrap();
        done(removal.perform(timeout()));
        fs::write(yard.at("file"), "precious").unwrap();
    }
    assert_eq!(yard.names(), ["file"]);
}

#[test]
fn what_lies_under_a_foreign_tombstone_gets_its_name_back() {
    let yard = Yard::new();
    let path = yard.at("dir");
    fs::create_dir(&path).unwrap();
    let mut removal = Removal::new(Thing::Directory, &path).unwrap();
    removal.commit().unwrap();
    fs::remove_dir(&path).unwrap();
    // We were killed between the rename and the second look, and the rename took a stranger's.
    let tombstone = yard.at(removal.tombstone());
    fs::create_dir(&tombstone).unwrap();
    fs::write(tombstone.join("file"), "precious").unwrap();
    left_alone(removal.perform(timeout()));
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "precious");

    // Again, and by now yet another stranger has the name.
    fs::rename(&path, &tombstone).unwrap();
    fs::create_dir(&path).unwrap();
    let why = left_alone(removal.perform(timeout()));
    assert!(why.contains("is now at") && why.contains(".backstop-"), "{why}");
    assert_eq!(fs::read_to_string(tombstone.join("file")).unwrap(), "precious");
    assert!(path.exists());
}

#[test]
fn an_interrupted_removal_goes_on_and_spares_who_has_the_name_now() {
    let yard = Yard::new();
    let path = yard.at("dir");
    fs::create_dir_all(path.join("sub/sub")).unwrap();
    let mut removal = Removal::new(Thing::Directory, &path).unwrap();
    removal.commit().unwrap();
    fs::rename(&path, yard.at(removal.tombstone())).unwrap();
    fs::create_dir(&path).unwrap();
    done(removal.perform(timeout()));
    assert_eq!(yard.names(), ["dir"]);
    left_alone(removal.perform(timeout()));
    assert_eq!(yard.names(), ["dir"]);
}

/// The reaper and the next start may perform the same action at the same time, and one of them may be
/// killed in the midst of it.
#[test]
fn what_another_one_has_renamed_meanwhile_is_found_and_removed() {
    use std::sync::Barrier;

    let yard = Yard::new();
    let path = yard.at("dir");
    for taken in 0..2_000 {
        fs::create_dir(&path).unwrap();
        let mut removal = Removal::new(Thing::Directory, &path).unwrap();
        removal.commit().unwrap();
        let tombstone = yard.at(removal.tombstone());
        let begin = Barrier::new(2);
        std::thread::scope(|s| {
            s.spawn(|| {
                begin.wait();
                // And is killed. By then, a stranger may have the name.
                if fs::rename(&path, &tombstone).is_ok() && taken % 2 == 0 {
                    fs::create_dir(&path).unwrap();
                }
            });
            begin.wait();
            let performed = removal.perform(timeout());
            assert!(performed.is_ok(), "{performed:?}");
        });
        assert!(!tombstone.exists(), "round {taken}");
        let _ = fs::remove_dir(&path);
    }
    assert_eq!(yard.names(), [""; 0]);
}

#[test]
fn what_is_born_under_its_tombstone_is_removed_until_it_has_its_name() {
    let yard = Yard::new();
    let path = yard.at("file");
    let intent = Removal::new(Thing::File, &path).unwrap().born_buried();
    let buried = yard.at(intent.tombstone());
    // A stranger has the name already.
    fs::write(&path, "precious").unwrap();
    assert_eq!(intent.perform(timeout()).unwrap(), Performed::Gone);
    File::create(&buried).unwrap();
    assert_eq!(intent.perform(timeout()).unwrap(), Performed::Done);
    assert_eq!(yard.names(), ["file"]);

    let file = File::create(&buried).unwrap();
    let mut removal = intent;
    removal.commit_fd(file.as_fd()).unwrap();
    fs::rename(&buried, &path).unwrap();
    assert_eq!(removal.perform(timeout()).unwrap(), Performed::Done);
    assert_eq!(yard.names(), [""; 0]);
}

#[test]
fn a_name_is_given_back_in_steps_where_a_rename_spares_nothing() {
    use crate::ladder::action::tombstone::unbury_in_steps;

    let yard = Yard::new();
    let parent = File::open(&yard.path).unwrap();
    let back = |from: &str, to: &str, kind| {
        unbury_in_steps(parent.as_fd(), from.as_ref(), to.as_ref(), kind)
    };
    fs::create_dir_all(yard.at("grave/sub")).unwrap();
    fs::create_dir(yard.at("taken")).unwrap();
    back("grave", "taken", FileType::Directory).unwrap_err();
    back("grave", "free", FileType::Directory).unwrap();
    assert_eq!(yard.names(), ["free", "taken"]);
    assert_eq!(names(&yard.at("free")), ["sub"]);

    fs::write(yard.at("grave"), "ours").unwrap();
    fs::write(yard.at("file"), "precious").unwrap();
    back("grave", "file", FileType::RegularFile).unwrap_err();
    assert_eq!(fs::read_to_string(yard.at("file")).unwrap(), "precious");
    back("grave", "back", FileType::RegularFile).unwrap();
    assert_eq!(yard.names(), ["back", "file", "free", "taken"]);
}
