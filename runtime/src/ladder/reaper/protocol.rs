//! What the owner and its reaper say to each other: one message a packet.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest message, in bytes: several of the longest paths (4,096 bytes), and far less than the
/// socket's buffer, so that no message is too large for an empty channel.
pub(super) const LIMIT: usize = 32 * 1024;

/// Both sides must be of one version: an action is read as it was written.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// From the owner, as it is sent behind a token. The token is the wish for an acknowledgement with the
/// same number; zero wishes none.
///
/// ```text
/// token u64 | kind u8 | key u64, if it is about one | the rest
/// ```
///
/// Numbers are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// The first message, and only the first: an encoded [`Hello`]. The owner's pidfd comes with it.
    Hello(&'a [u8]),
    /// What is to be done for `key`. It replaces what was. If it is about a process group, a pidfd of
    /// the group's leader comes with it.
    Register {
        /// Later registrations have larger keys.
        key: u64,
        /// Whether the thing exists and the action has its identity.
        committed: bool,
        /// The encoded action.
        action: &'a [u8],
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

const TOKEN: usize = size_of::<u64>();
/// A token, a kind and a key.
const HEAD: usize = TOKEN + 1 + size_of::<u64>();

/// Kinds of requests. A greeting's stays as it is: see [`version_of_greeting`].
mod kind {
    pub(super) const HELLO: u8 = 0;
    pub(super) const INTENT: u8 = 1;
    pub(super) const COMMIT: u8 = 2;
    pub(super) const FORGET: u8 = 3;
    pub(super) const ASK: u8 = 4;
}

/// Room for most messages, which need no allocation then.
const USUAL: usize = 256;

/// A message that takes more than is usual.
#[cold]
fn long(head: &[u8], rest: &[u8]) -> io::Result<Vec<u8>> {
    let length = head.len() + rest.len();
    if length <= LIMIT {
        return Ok([head, rest].concat());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("this takes {length} bytes, and the reaper takes at most {LIMIT} in one message"),
    ))
}

impl<'a> Request<'a> {
    /// Gives its bytes, with a token, to `send`.
    pub(super) fn send(
        self,
        token: u64,
        send: impl FnOnce(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let (kind, key, rest) = match self {
            Self::Hello(hello) => (kind::HELLO, None, hello),
            Self::Register { key, committed: false, action } => (kind::INTENT, Some(key), action),
            Self::Register { key, committed: true, action } => (kind::COMMIT, Some(key), action),
            Self::Forget { key } => (kind::FORGET, Some(key), &[][..]),
            Self::Ask => (kind::ASK, None, &[][..]),
        };
        let mut usual = [0; USUAL];
        usual[..TOKEN].copy_from_slice(&token.to_le_bytes());
        usual[TOKEN] = kind;
        let mut head = TOKEN + 1;
        if let Some(key) = key {
            usual[head..HEAD].copy_from_slice(&key.to_le_bytes());
            head = HEAD;
        }
        let length = head + rest.len();
        if let Some(place) = usual.get_mut(head..length) {
            place.copy_from_slice(rest);
            return send(&usual[..length]);
        }
        send(&long(&usual[..head], rest)?)
    }

    /// Takes a received message apart: its token, and the request.
    pub(super) fn parse(message: &'a [u8]) -> Result<(u64, Self), Malformed> {
        let (token, rest) = message.split_first_chunk().ok_or(Malformed)?;
        let (kind, rest) = rest.split_first().ok_or(Malformed)?;
        let keyed = || {
            let (key, rest) = rest.split_first_chunk().ok_or(Malformed)?;
            Ok((u64::from_le_bytes(*key), rest))
        };
        let request = match *kind {
            kind::HELLO => Self::Hello(rest),
            kind @ (kind::INTENT | kind::COMMIT) => {
                let (key, action) = keyed()?;
                Self::Register { key, committed: kind == kind::COMMIT, action }
            }
            kind::FORGET => match keyed()? {
                (key, []) => Self::Forget { key },
                _ => return Err(Malformed),
            },
            kind::ASK if rest.is_empty() => Self::Ask,
            _ => return Err(Malformed),
        };
        Ok((u64::from_le_bytes(*token), request))
    }
}

impl Hello {
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        postcard::to_allocvec(self).map_err(io::Error::other)
    }
}

/// The version that a greeting names, whatever that version writes behind it: what cannot be read is
/// to be told from what another version wrote.
pub(super) fn version_of_greeting(message: &[u8]) -> Option<&str> {
    let Ok((_token, Request::Hello(hello))) = Request::parse(message) else { return None };
    let (version, _) = postcard::take_from_bytes::<&str>(hello).ok()?;
    let is_one = version.starts_with(|first: char| first.is_ascii_digit())
        && version.chars().all(|part| part.is_ascii_alphanumeric() || ".-+".contains(part));
    (is_one && version.len() <= 100).then_some(version)
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

#[cfg(test)]
mod tests {
    use super::{HEAD, LIMIT, Malformed, Request, USUAL};

    fn bytes(request: Request<'_>, token: u64) -> Vec<u8> {
        let mut sent = Vec::new();
        request
            .send(token, |message| {
                sent = message.to_vec();
                Ok(())
            })
            .unwrap();
        sent
    }

    #[test]
    fn a_request_is_read_as_it_was_sent() {
        let actions =
            [0, 1, USUAL - HEAD, USUAL - HEAD + 1, LIMIT - HEAD].map(|size| vec![7; size]);
        let registrations = actions.iter().flat_map(|action| {
            [false, true].map(|committed| Request::Register {
                key: u64::MAX - 1,
                committed,
                action,
            })
        });
        let others = [Request::Hello(b"1.2.3"), Request::Forget { key: 0x0102_0304 }, Request::Ask];
        for request in registrations.chain(others) {
            for token in [0, 1, u64::MAX] {
                assert_eq!(Request::parse(&bytes(request, token)), Ok((token, request)));
            }
        }
    }

    #[test]
    fn what_is_too_large_is_not_sent() {
        let action = vec![7; LIMIT - HEAD + 1];
        let request = Request::Register { key: 1, committed: false, action: &action };
        let error = request.send(0, |_| panic!("it was sent")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("32769 bytes"), "{error}");
    }

    #[test]
    fn what_no_owner_sends_is_malformed() {
        for request in [
            Request::Register { key: 3, committed: true, action: b"" },
            Request::Forget { key: 3 },
            Request::Ask,
        ] {
            let whole = bytes(request, 5);
            for end in 0..whole.len() {
                assert_eq!(
                    Request::parse(&whole[..end]),
                    Err(Malformed),
                    "{request:?} up to {end}"
                );
            }
            let unknown_kind = [&whole[..8], &[9], &whole[9..]].concat();
            assert_eq!(Request::parse(&unknown_kind), Err(Malformed));
        }
        for request in [Request::Forget { key: 3 }, Request::Ask] {
            let longer = [&bytes(request, 5)[..], b"x"].concat();
            assert_eq!(Request::parse(&longer), Err(Malformed), "{request:?} with more behind it");
        }
    }
}
