//! The machine: qemu, which emulates it in software, so that it runs wherever this does.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::disk::Disk;
use crate::nbd::{self, Fuse};
use crate::said::Said;

/// How long the machine may say nothing. Emulated on a busy machine, a start takes seconds.
const SILENCE: Duration = Duration::from_secs(120);

/// Where Debian's packages were unpacked, and what is made for the machines.
#[derive(Debug)]
pub struct Workshop {
    root: PathBuf,
    kernel: PathBuf,
    directory: tempfile::TempDir,
}

/// What happens to a machine.
#[derive(Debug)]
pub enum Event {
    /// It has said something.
    Said(Said),
    /// The fuse has burnt down: the power is to be cut now.
    Cut,
    /// It has been switched off, or restarts.
    Ended,
}

/// A machine that runs; its power is cut when this is dropped.
#[derive(Debug)]
pub struct Machine {
    qemu: Child,
    events: Receiver<Event>,
    fuse: Arc<Fuse>,
    console: PathBuf,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Workshop {
    /// With the packages that are unpacked in `root`, and this as the first filesystem.
    ///
    /// # Errors
    ///
    /// If something is missing.
    pub fn new(root: &Path, archive: &[u8]) -> Result<Self> {
        let boot = root.join("boot");
        let files = fs::read_dir(&boot).with_context(|| boot.display().to_string())?;
        let is_kernel = |path: &PathBuf| path.display().to_string().contains("/vmlinuz-");
        let kernel = files.flatten().map(|file| file.path()).find(is_kernel);
        let kernel = kernel.with_context(|| format!("no kernel in {}", boot.display()))?;
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("archive"), archive)?;
        Ok(Self { root: root.to_owned(), kernel, directory })
    }

    /// The modules that the kernel needs for the disk, in their order, with their names.
    ///
    /// # Errors
    ///
    /// If one is missing.
    pub fn modules(root: &Path) -> Result<Vec<(String, Vec<u8>)>> {
        const MODULES: [&str; 6] = [
            "virtio/virtio_ring",
            "virtio/virtio",
            "virtio/virtio_pci_modern_dev",
            "virtio/virtio_pci_legacy_dev",
            "virtio/virtio_pci",
            "block/virtio_blk",
        ];
        let all = root.join("lib/modules");
        let of_kernel = fs::read_dir(&all).with_context(|| all.display().to_string())?;
        let of_kernel = of_kernel.flatten().next().context("no modules")?.path();
        let read = |(number, module): (usize, &str)| {
            let path = of_kernel.join(format!("kernel/drivers/{module}.ko"));
            let module = fs::read(&path).with_context(|| path.display().to_string())?;
            Ok((format!("{number}.ko"), module))
        };
        MODULES.into_iter().enumerate().map(read).collect()
    }

    /// Makes an empty disk.
    ///
    /// # Errors
    ///
    /// If `mkfs.ext4` does not work.
    pub fn format(&self, megabytes: u64) -> Result<Disk> {
        let image = self.directory.path().join("image");
        fs::File::create(&image)?.set_len(megabytes << 20)?;
        let mut mkfs = Command::new("mkfs.ext4");
        mkfs.args(["-q", "-F", "-b", "4096"]).arg(&image);
        let made = mkfs.status().context("mkfs.ext4, of Debian's package e2fsprogs")?;
        if !made.success() {
            bail!("mkfs.ext4: {made}");
        }
        Ok(Disk::new(fs::read(&image)?))
    }

    /// Switches on a machine with this disk; `arguments` are those of its first program.
    ///
    /// # Errors
    ///
    /// If qemu cannot be started.
    pub fn start(&self, disk: &Arc<Mutex<Disk>>, arguments: &[String]) -> Result<Machine> {
        let within = |name| self.directory.path().join(name);
        let (socket, console) = (within("socket"), within("console"));
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket)?;
        let (sender, events) = channel();
        let fuse = Arc::new(Fuse::new());
        let mut qemu = self.qemu(&socket, &console, arguments);
        let mut qemu = qemu.spawn().with_context(|| format!("{qemu:?}"))?;
        let lines = BufReader::new(qemu.stdout.take().context("no output")?);
        let server = {
            let (disk, fuse, sender) = (Arc::clone(disk), Arc::clone(&fuse), sender.clone());
            thread::spawn(move || {
                let cut = || drop(sender.send(Event::Cut));
                Ok(nbd::serve(&listener, &disk, &fuse, cut)?)
            })
        };
        let reader = thread::spawn(move || read(lines, &sender));
        Ok(Machine { qemu, events, fuse, console, threads: vec![server, reader] })
    }

    fn qemu(&self, socket: &Path, console: &Path, arguments: &[String]) -> Command {
        let under = |path: &str| self.root.join(path);
        let libraries = [under("usr/lib/x86_64-linux-gnu"), under("lib/x86_64-linux-gnu")];
        let mut qemu = Command::new(under("usr/bin/qemu-system-x86_64"));
        qemu.env("LD_LIBRARY_PATH", libraries.map(|it| it.display().to_string()).join(":"))
            .env("QEMU_MODULE_DIR", under("usr/lib/x86_64-linux-gnu/qemu"))
            .arg("-L")
            .arg(under("usr/share/qemu"))
            .arg("-L")
            .arg(under("usr/share/seabios"))
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"])
            .args(["-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "128"])
            .arg("-kernel")
            .arg(&self.kernel)
            .arg("-initrd")
            .arg(self.directory.path().join("archive"))
            .arg("-append")
            .arg(format!("console=ttyS0 quiet panic=1 no_timer_check -- {}", arguments.join(" ")))
            .arg("-serial")
            .arg(format!("file:{}", console.display()))
            .args(["-chardev", "stdio,id=said,signal=off", "-serial", "chardev:said"])
            .arg("-blockdev")
            .arg(format!("nbd,node-name=disk,server.type=unix,server.path={}", socket.display()))
            // Its NVMe disk does not write through when it is told to (7.2), and ext4 is corrupted then.
            .arg("-device")
            .arg(
                "virtio-blk-pci,drive=disk,write-cache=on,logical_block_size=4096,\
                 physical_block_size=4096",
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        qemu
    }
}

/// What the machine says, until it is gone.
fn read(mut lines: impl BufRead, events: &Sender<Event>) -> Result<()> {
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        // A line that has no end was cut off.
        if line.ends_with(b"\n") {
            let said = serde_json::from_slice(&line)
                .with_context(|| String::from_utf8_lossy(&line).into_owned())?;
            let _ = events.send(Event::Said(said));
        }
        line.clear();
    }
    let _ = events.send(Event::Ended);
    Ok(())
}

impl Machine {
    /// What happens next.
    ///
    /// # Errors
    ///
    /// If nothing happens for too long.
    pub fn event(&self) -> Result<Event> {
        match self.events.recv_timeout(SILENCE) {
            Ok(event) => Ok(event),
            Err(RecvTimeoutError::Disconnected) => bail!("the machine speaks in riddles"),
            Err(RecvTimeoutError::Timeout) => bail!("the machine has said nothing for {SILENCE:?}"),
        }
    }

    /// Lets the power be cut after so many further changes of the disk.
    pub fn light(&self, requests: u32) {
        self.fuse.light(requests);
    }

    /// Cuts the power; what the machine had said by then.
    ///
    /// # Errors
    ///
    /// If the harness itself has failed.
    pub fn cut(mut self) -> Result<Vec<Said>> {
        self.qemu.kill()?;
        self.qemu.wait()?;
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| anyhow::anyhow!("a thread has panicked"))??;
        }
        let said = |event| if let Event::Said(said) = event { Some(said) } else { None };
        Ok(self.events.try_iter().filter_map(said).collect())
    }

    /// What the kernel has said.
    #[must_use]
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.console).unwrap_or_default()).into_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
