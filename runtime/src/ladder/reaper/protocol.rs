//! What the owner and its reaper say to each other: one message a packet.

use std::ffi::OsStr;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::link::Watchful;
use crate::ladder::action::Prepared;

/// The largest message, in bytes: several of the longest paths (4,096 bytes), and far less than the
/// socket's buffer, so that no message is too large for an empty channel.
pub(super) const LIMIT: usize = 32 * 1024;

/// Both sides must be of one version: an action is read as it was written.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// From the owner.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// The first message, and only the first. The owner's pidfd comes with it. It stays the first
    /// variant: see [`version_of_greeting`].
    Hello(Hello),
    /// What is to be done for `key`. The encoded action follows, and replaces an earlier one. If it
    /// is about a process group, a pidfd of the group's leader comes with it.
    Register {
        /// Later registrations have larger keys.
        key: u64,
        /// Whether the thing exists and the action has its identity.
        committed: bool,
    },
    /// Nothing is to be done for `key` any more.
    Forget {
        /// As in `Register`; may be unknown.
        key: u64,
    },
    /// Nothing but the wish for an acknowledgement.
    Ask,
}

/// Who the owner is and how it wants to be cleaned up after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Of `backstop`. It stays the first field: see [`version_of_greeting`].
    pub(super) version: String,
    /// Comes back in `Ready`, which therefore answers this very start.
    pub(super) nonce: [u8; 16],
    /// The thread that lives exactly as long as the owner's program: see [`super::owner`].
    pub(super) witness: Witness,
    /// Whether a fork of the owner keeps its resources in use.
    pub(super) wait_for_forks: bool,
    /// How long one action may take before the next one begins.
    pub(super) action_deadline: Duration,
    /// The result log; no log without.
    pub(super) log: Option<Bytes>,
    /// How many reapers of this owner died before this one.
    pub(super) predecessors: u32,
}

/// A thread, told from a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Witness {
    /// Its id.
    pub(super) thread: i32,
    /// When it started, in clock ticks since boot.
    pub(super) started: u64,
}

/// A path, whatever its encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bytes(Vec<u8>);

impl From<&Path> for Bytes {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

impl Bytes {
    pub(super) fn to_path(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(&self.0))
    }
}

/// From the reaper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Response {
    /// It watches the owner. Its own pidfd comes with it.
    Ready {
        /// That of `Hello`.
        nonce: [u8; 16],
        /// Its process id.
        pid: i32,
    },
    /// It ends, and this is why. It stays the second variant, with one text: an owner of another
    /// version is to understand it.
    Refused(String),
    /// Everything up to the message with this token has been taken.
    Taken(u64),
}

/// A request as it is sent: eight bytes for the token of an acknowledgement, the request, and what
/// follows it.
#[derive(Debug, Clone)]
pub(super) struct Message {
    bytes: Box<[u8]>,
    /// Of the process that leads the group which the action is about: what tells the group when that
    /// process is gone.
    leader: Option<Arc<Watchful>>,
}

const TOKEN: usize = size_of::<u64>();

/// Room for most messages. They are written here first: into a vector, which might have to grow at each
/// byte, that took twice as long.
const USUAL: usize = 256;

impl Message {
    pub(super) fn new(request: &Request) -> io::Result<Self> {
        Ok(Self { bytes: encode(request, None)?, leader: None })
    }

    pub(super) fn register(key: u64, committed: bool, action: &Prepared) -> io::Result<Self> {
        let bytes = encode(&Request::Register { key, committed }, Some(action))?;
        let leader = action.leader().and_then(|leader| Watchful::new(&leader).ok());
        Ok(Self { bytes, leader: leader.map(Arc::new) })
    }

    /// Asks for an acknowledgement with `token`; 0 asks for none.
    pub(super) fn set_token(&mut self, token: u64) {
        if let Some(place) = self.bytes.first_chunk_mut() {
            *place = token.to_le_bytes();
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is to be sent along.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.leader.as_ref()?.intact()
    }

    /// Takes a received message apart: its token, the request, and what follows it.
    pub(super) fn parse(bytes: &[u8]) -> Result<(u64, Request, &[u8]), Malformed> {
        let (token, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (request, rest) = postcard::take_from_bytes(rest).map_err(|_| Malformed)?;
        Ok((u64::from_le_bytes(*token), request, rest))
    }
}

/// The version that a greeting names, whatever that version writes behind it: what cannot be read is
/// to be told from what another version wrote.
pub(super) fn version_of_greeting(message: &[u8]) -> Option<&str> {
    const HELLO: u32 = 0;
    let (_token, rest) = message.split_first_chunk::<TOKEN>()?;
    let ((variant, version), _) = postcard::take_from_bytes::<(u32, &str)>(rest).ok()?;
    let is_one = version.starts_with(|first: char| first.is_ascii_digit())
        && version.chars().all(|part| part.is_ascii_alphanumeric() || ".-+".contains(part));
    (variant == HELLO && is_one && version.len() <= 100).then_some(version)
}

fn encode(request: &Request, action: Option<&Prepared>) -> io::Result<Box<[u8]>> {
    let mut usual = [0; USUAL];
    if let Ok(length) = encode_into(&mut usual, request, action) {
        return Ok(usual[..length].into());
    }
    let mut bytes = postcard::to_extend(request, vec![0; TOKEN]).map_err(io::Error::other)?;
    if let Some(action) = action {
        bytes = postcard::to_extend(action, bytes).map_err(io::Error::other)?;
    }
    let length = bytes.len();
    if length <= LIMIT {
        return Ok(bytes.into());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("this takes {length} bytes, and the reaper takes at most {LIMIT} in one message"),
    ))
}

/// Writes behind the place of a token; tells where the end is.
fn encode_into(
    buffer: &mut [u8],
    request: &Request,
    action: Option<&Prepared>,
) -> postcard::Result<usize> {
    let mut end = TOKEN + postcard::to_slice(request, &mut buffer[TOKEN..])?.len();
    if let Some(action) = action {
        end += postcard::to_slice(action, &mut buffer[end..])?.len();
    }
    Ok(end)
}

impl Response {
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        postcard::to_allocvec(self).map_err(io::Error::other)
    }
}

/// It is not what the other side of the same version writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message that cannot be read")]
pub(super) struct Malformed;

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(Malformed),
    }
}
