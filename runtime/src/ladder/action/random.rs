//! 128 random bits: names that nobody guesses, ids that nobody has.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};

/// 128 bits from the system's random source.
pub(super) type Id = [u8; 16];

pub(super) fn id() -> io::Result<Id> {
    let mut id = Id::default();
    #[cfg(target_os = "linux")]
    if matches!(rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty()), Ok(16)) {
        return Ok(id);
    }
    // Where the call is missing or filtered.
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut id))
        .map_err(|error| io::Error::new(error.kind(), format!("no random numbers: {error}")))?;
    Ok(id)
}

/// The name that stands for an id: what we rename a thing to before it goes. It is hidden from
/// listings, as it is nothing to be used.
pub(super) fn name(id: &Id) -> OsString {
    spell(".backstop-", id)
}

/// A name that is to be used.
pub(crate) fn visible_name() -> io::Result<OsString> {
    Ok(spell("backstop-", &id()?))
}

fn spell(prefix: &str, id: &Id) -> OsString {
    let mut name = prefix.to_owned();
    for byte in id {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name.into()
}
