//! Serves the disk to the machine, by the part of the NBD protocol that qemu needs, and cuts the power
//! at a request.
//!
//! The protocol: `doc/proto.md` of the NBD project. A server of our own and not qemu's image files,
//! because only so is what was flushed told from what was merely written.

use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::disk::Disk;

/// How many requests that change the disk are answered until the power is cut.
#[derive(Debug)]
pub struct Fuse(AtomicI64);

impl Fuse {
    /// One that does not burn.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }

    /// Lights it.
    pub fn light(&self, requests: u32) {
        self.0.store(requests.into(), Ordering::Relaxed);
    }

    /// Whether this request is the last one.
    fn burn(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

impl Default for Fuse {
    fn default() -> Self {
        Self::new()
    }
}

/// The disk, for whoever wants it.
pub fn lock(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one machine until it is gone. `cut` is called once the fuse has burnt down, and nothing is
/// answered from then on.
///
/// # Errors
///
/// If it does not speak the protocol.
pub fn serve(
    listener: &UnixListener,
    disk: &Mutex<Disk>,
    fuse: &Fuse,
    cut: impl FnOnce(),
) -> io::Result<()> {
    let (stream, _) = listener.accept()?;
    let mut connection =
        Connection { input: BufReader::new(stream.try_clone()?), output: stream, disk };
    let burnt = connection.negotiate().and_then(|()| connection.transmit(fuse));
    match burnt {
        Ok(true) => {
            cut();
            // Whoever waits for an answer waits until the machine is gone.
            io::copy(&mut connection.input, &mut io::sink()).map(drop).or_else(gone)
        }
        Ok(false) => Ok(()),
        Err(e) => gone(e),
    }
}

/// A machine that is killed says no goodbye.
fn gone(e: io::Error) -> io::Result<()> {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match e.kind() {
        BrokenPipe | ConnectionReset | UnexpectedEof => Ok(()),
        _ => Err(e),
    }
}

struct Connection<'a> {
    input: BufReader<UnixStream>,
    output: UnixStream,
    disk: &'a Mutex<Disk>,
}

// Of the handshake.
const GREETING: &[u8] = b"NBDMAGICIHAVEOPT";
const FIXED_NEWSTYLE: u16 = 1;
const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
const OPTION_GO: u32 = 7;
const REPLY_ACK: u32 = 1;
const REPLY_INFO: u32 = 3;
const REPLY_UNSUPPORTED: u32 = 1 << 31 | 1;
/// It has flags, flushes, and writes through.
const EXPORT_FLAGS: u16 = 1 | 1 << 2 | 1 << 3;

// Of the requests.
const REQUEST: u32 = 0x2560_9513;
const REPLY: u32 = 0x6744_6698;
const FLAG_THROUGH: u16 = 1;
const READ: u16 = 0;
const WRITE: u16 = 1;
const DISCONNECT: u16 = 2;
const FLUSH: u16 = 3;
const INVALID: u32 = 22;

impl Connection<'_> {
    fn negotiate(&mut self) -> io::Result<()> {
        self.output.write_all(&[GREETING, &FIXED_NEWSTYLE.to_be_bytes()].concat())?;
        let _flags = self.array::<4>()?;
        loop {
            let magic = self.array::<8>()?;
            let option = u32::from_be_bytes(self.array()?);
            let length = u32::from_be_bytes(self.array()?);
            let _data = self.bytes(length)?;
            if &magic != b"IHAVEOPT" {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not an NBD client"));
            }
            if option != OPTION_GO {
                self.option_reply(option, REPLY_UNSUPPORTED, &[])?;
                continue;
            }
            let size = lock(self.disk).size() as u64;
            let export = [&[0, 0][..], &size.to_be_bytes(), &EXPORT_FLAGS.to_be_bytes()].concat();
            self.option_reply(option, REPLY_INFO, &export)?;
            return self.option_reply(option, REPLY_ACK, &[]);
        }
    }

    fn option_reply(&mut self, option: u32, kind: u32, data: &[u8]) -> io::Result<()> {
        let length = u32::try_from(data.len()).map_err(io::Error::other)?;
        let mut reply = OPTION_REPLY.to_be_bytes().to_vec();
        for number in [option, kind, length] {
            reply.extend(number.to_be_bytes());
        }
        reply.extend(data);
        self.output.write_all(&reply)
    }

    /// Answers requests; whether until the fuse had burnt down.
    fn transmit(&mut self, fuse: &Fuse) -> io::Result<bool> {
        loop {
            let magic = u32::from_be_bytes(self.array()?);
            let flags = u16::from_be_bytes(self.array()?);
            let kind = u16::from_be_bytes(self.array()?);
            let cookie = self.array::<8>()?;
            let at =
                usize::try_from(u64::from_be_bytes(self.array()?)).map_err(io::Error::other)?;
            let length = u32::from_be_bytes(self.array()?);
            if magic != REQUEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not a request"));
            }
            let through = flags & FLAG_THROUGH != 0;
            match kind {
                READ => {
                    let disk = lock(self.disk);
                    let bytes = disk.read(at, length as usize).map(<[u8]>::to_vec);
                    drop(disk);
                    self.reply(cookie, bytes.as_deref().ok_or(INVALID))?;
                }
                WRITE => {
                    let bytes = self.bytes(length)?;
                    // The one at which the power is cut has reached the cache at most.
                    let last = fuse.burn();
                    let valid = lock(self.disk).write(at, &bytes, through && !last);
                    if last {
                        return Ok(true);
                    }
                    self.reply(cookie, if valid { Ok(&[]) } else { Err(INVALID) })?;
                }
                FLUSH => {
                    if fuse.burn() {
                        return Ok(true);
                    }
                    lock(self.disk).flush();
                    self.reply(cookie, Ok(&[]))?;
                }
                DISCONNECT => return Ok(false),
                _ => self.reply(cookie, Err(INVALID))?,
            }
        }
    }

    fn reply(&mut self, cookie: [u8; 8], result: Result<&[u8], u32>) -> io::Result<()> {
        let (error, data) = match result {
            Ok(data) => (0, data),
            Err(error) => (error, &[][..]),
        };
        let mut reply = REPLY.to_be_bytes().to_vec();
        reply.extend(error.to_be_bytes());
        reply.extend(cookie);
        reply.extend(data);
        self.output.write_all(&reply)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&mut self, length: u32) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
