//! The machine's first filesystem, as the kernel unpacks it: a cpio archive in the format "newc".
//!
//! Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's sources.

use std::fmt::Write as _;

/// An archive.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    files: u32,
}

impl Archive {
    /// Adds a directory.
    pub fn directory(&mut self, name: &str) {
        self.entry(name, 0o040_755, &[]);
    }

    /// Adds a file that can be executed.
    pub fn program(&mut self, name: &str, content: &[u8]) {
        self.entry(name, 0o100_755, content);
    }

    /// Adds a file.
    pub fn file(&mut self, name: &str, content: &[u8]) {
        self.entry(name, 0o100_644, content);
    }

    /// The bytes of it, ended.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.files += 1;
        let (length, name_length) = (content.len(), name.len() + 1);
        let mut header = String::from("070701");
        // inode, mode, user, group, links, time
        for number in [self.files, mode, 0, 0, 1, 0] {
            let _ = write!(header, "{number:08x}");
        }
        // size; device of the file and what device it is, major and minor each; checksum
        let _ = write!(header, "{length:08x}{:032x}{name_length:08x}{:08x}", 0, 0);
        self.bytes.extend(header.as_bytes());
        self.bytes.extend(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}
