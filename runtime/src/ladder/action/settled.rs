//! Waiting until what was removed stays so: a directory from which a name was taken may have it again
//! after a power cut, until it was synced.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, fsync, openat, sync};
use rustix::io::Errno;

use super::Prepared;

/// Returns once the disk has what these actions have removed. Those about no path are none of that.
pub(crate) fn on_disk<'a>(actions: impl IntoIterator<Item = &'a Prepared>) -> io::Result<()> {
    let paths = actions.into_iter().filter_map(Prepared::path);
    let parents: BTreeSet<_> = paths.filter_map(|path| Some(path.parent()?.to_owned())).collect();
    parents.iter().try_for_each(|parent| Ok(directory_on_disk(parent)?))
}

/// The same of one directory; if that is gone as well, of the one that it was in.
fn directory_on_disk(path: &Path) -> rustix::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    for path in path.ancestors() {
        let synced = openat(CWD, path, flags, Mode::empty()).and_then(fsync);
        return match synced {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            // It may be written and not read. That is seldom, and this is slow.
            Err(Errno::ACCESS) => {
                sync();
                Ok(())
            }
            // Not every filesystem can, and there is nothing else to do.
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::ROFS) => Ok(()),
            synced => synced,
        };
    }
    Ok(())
}
