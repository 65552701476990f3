//! Times what the reaper costs: a registration beside a bare write on the same kind of channel, an
//! acknowledged one beside a bare round trip, a start, and the way from SIGKILL to clean.
//!
//! What is compared is timed in turns, in one process, with a control: the bare one once more.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(target_os = "linux")]
    return linux::main();
    #[cfg(not(target_os = "linux"))]
    return Err("there is a reaper only on Linux".into());
}

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::Cell;
    use std::env;
    use std::error::Error;
    use std::fs::{self, File};
    use std::hint::black_box;
    use std::io::{self, BufRead, BufReader, Read, Write};
    use std::os::fd::{AsFd, OwnedFd};
    use std::path::Path;
    use std::process::{Child, ChildStdout, Command, Stdio};
    use std::time::{Duration, Instant};

    use backstop::__private::reaper::{self, Kept};
    use backstop::Action;
    use backstop::reaper::Builder;
    use rustix::fs::inotify;
    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
        sockopt,
    };
    use rustix::thread::{CpuSet, sched_setaffinity};

    /// Times a batch of which it is told the number.
    type Kind<'a> = &'a dyn Fn(u64) -> io::Result<u64>;

    type Result<T> = std::result::Result<T, Box<dyn Error>>;

    /// As many messages as fit into a channel whose reader does not run.
    const BATCH: u64 = 100;
    /// As long as a registration of `NAME` in `/tmp`.
    const BARE: [u8; 114] = [7; 114];
    const NAME: &str = "an-application-scratch-0123456789abcdef0123456789abcdef";

    pub(crate) fn main() -> Result<()> {
        reaper::if_reaper_then_serve();
        let arguments: Vec<String> = env::args().skip(1).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            [] => all(200),
            ["writes", rounds] => writes(rounds.parse()?),
            ["trips", rounds] => trips(rounds.parse()?),
            ["read"] => read(false, true),
            ["read-at-once"] => read(false, false),
            ["answer"] => read(true, true),
            ["owner"] => owner(),
            ["victim", path] => victim(path),
            ["bare"] => bare(),
            [rounds] => all(rounds.parse().map_err(|_| "usage: reaper-channel [ROUNDS]")?),
            _ => Err("usage: reaper-channel [ROUNDS]".into()),
        }
    }

    fn all(rounds: u64) -> Result<()> {
        println!("medians of {rounds} rounds, {} cores", std::thread::available_parallelism()?);
        for kind in ["writes", "trips"] {
            let status = this()?.args([kind, &rounds.to_string()]).status()?;
            if !status.success() {
                return Err(format!("{kind}: {status}").into());
            }
        }
        starts(rounds)?;
        kills(rounds)
    }

    fn this() -> io::Result<Command> {
        env::current_exe().map(Command::new)
    }

    /// A process that reads from the same kind of channel as the reaper.
    struct Reader {
        channel: OwnedFd,
        child: Child,
    }

    impl Reader {
        fn start(kind: &str) -> Result<Self> {
            let flags = SocketFlags::CLOEXEC;
            let (channel, theirs) =
                socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
            sockopt::set_socket_passcred(&theirs, true)?;
            sockopt::set_socket_send_buffer_size(&channel, 1 << 20)?;
            let child = this()?.arg(kind).stdin(theirs).spawn()?;
            Ok(Self { channel, child })
        }

        fn send(&self, message: &[u8]) -> io::Result<()> {
            write(&self.channel, message)
        }

        fn round_trip(&self, message: &[u8]) -> io::Result<()> {
            self.send(message)?;
            recv(&self.channel, &mut [0; 64], RecvFlags::empty())?;
            Ok(())
        }
    }

    fn write(channel: &OwnedFd, message: &[u8]) -> io::Result<()> {
        send(channel, message, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    impl Drop for Reader {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// Reads until the end, and answers every message, or those that ask for it.
    fn read(always: bool, waits_for_turns: bool) -> Result<()> {
        // As the reaper: the scheduler treats sessions as groups, also where one wakes another.
        rustix::process::setsid()?;
        if waits_for_turns {
            reaper::wait_for_turns();
        }
        let mut buffer = [0; 4096];
        loop {
            let (length, _) = recv(io::stdin().as_fd(), &mut buffer, RecvFlags::empty())?;
            if length == 0 {
                return Ok(());
            }
            if always || length == 1 {
                send(io::stdin().as_fd(), &[0; 9], SendFlags::NOSIGNAL)?;
            }
        }
    }

    fn registrations(round: u64) -> io::Result<Vec<Kept>> {
        let path = env::temp_dir().join(NAME);
        (0..BATCH).map(|one| Kept::new(round * BATCH + one, Action::remove_file(&path))).collect()
    }

    /// This process and its children from now on: on one core, so that what is timed is work, and not
    /// how long another core takes to wake up.
    fn on_core(core: usize) -> io::Result<()> {
        let mut cores = CpuSet::new();
        cores.set(core);
        Ok(sched_setaffinity(None, &cores)?)
    }

    /// Times batches of several kinds in turns. Each is done twice, and the second one counts: the first
    /// one would find the caches full of another kind.
    fn in_turns<const N: usize>(rounds: u64, kinds: [Kind<'_>; N]) -> io::Result<[Vec<u64>; N]> {
        let mut times = [const { Vec::new() }; N];
        for round in 0..rounds {
            for (kind, times) in kinds.iter().zip(&mut times) {
                kind(2 * round)?;
                times.push(kind(2 * round + 1)? / BATCH);
            }
        }
        Ok(times)
    }

    fn encode_first(kept: &Kept) -> io::Result<()> {
        kept.encode()?;
        kept.intend()
    }

    /// Registers a batch, and withdraws it; tells how long the first took.
    fn register(batch: u64, one: fn(&Kept) -> io::Result<()>) -> io::Result<u64> {
        let kept = registrations(batch)?;
        let time = timed(|| kept.iter().try_for_each(one))?;
        backstop::reaper::check()?;
        kept.iter().try_for_each(Kept::forget)?;
        backstop::reaper::check()?;
        Ok(time)
    }

    fn writes(rounds: u64) -> Result<()> {
        const KINDS: [&str; 6] = [
            "bare write",
            "control",
            "to the reaper",
            "registration",
            "with encoding",
            "eager reader",
        ];
        on_core(0)?;
        let (reader, eager) = (Reader::start("read")?, Reader::start("read-at-once")?);
        reaper::start_from_main_with(Builder::new().without_log())?;
        backstop::reaper::check()?;
        // What comes here is none of its messages, and it does nothing about it.
        let to_reaper = reaper::channel()?;
        // Until all have read everything, and sleep. Whom the caches know best, being asked last, is told
        // the next thing in up to 0.4 µs less: so both take turns, whoever is timed.
        let turn = Cell::new(false);
        let quiet = || {
            eager.round_trip(&[0])?;
            if turn.replace(!turn.get()) {
                backstop::reaper::check()?;
                return reader.round_trip(&[0]);
            }
            reader.round_trip(&[0])?;
            backstop::reaper::check()
        };
        // As in a program, where an action is made ready and then handed over at once. Before a bare write,
        // too, and of a message that is as new.
        let path = env::temp_dir().join(NAME);
        let one_at_a_time = |batch, one: &dyn Fn(&Kept, &[u8]) -> io::Result<()>| {
            let mut time = 0;
            let mut all = Vec::new();
            for number in 0..BATCH {
                quiet()?;
                let kept = Kept::new(batch * BATCH + number, Action::remove_file(&path))?;
                let message = black_box(BARE.to_vec());
                time += timed(|| one(&kept, &message))?;
                all.push(kept);
            }
            quiet()?;
            all.iter().try_for_each(Kept::forget)?;
            quiet()?;
            Ok(time)
        };
        let bare = |batch| one_at_a_time(batch, &|_, message| reader.send(message));
        let to_eager = |batch| one_at_a_time(batch, &|_, message| eager.send(message));
        let bare_to_reaper = |batch| one_at_a_time(batch, &|_, message| write(&to_reaper, message));
        let ready = |batch| one_at_a_time(batch, &|kept, _| kept.intend());
        let encoded = |batch| one_at_a_time(batch, &|kept, _| encode_first(kept));
        let kinds: [Kind<'_>; 6] = [&bare, &bare, &bare_to_reaper, &ready, &encoded, &to_eager];
        let times = in_turns(rounds, kinds)?;
        table(KINDS, "one at a time", times);
        let bare_to = |reader: &Reader| {
            let time = timed(|| (0..BATCH).try_for_each(|_| reader.send(&BARE)))?;
            reader.round_trip(&[0])?;
            Ok(time)
        };
        let bare = |_| bare_to(&reader);
        let ready = |batch| register(batch, Kept::intend);
        let encoded = |batch| register(batch, encode_first);
        let bare_to_reaper = |_| {
            let time = timed(|| (0..BATCH).try_for_each(|_| write(&to_reaper, &BARE)))?;
            backstop::reaper::check()?;
            Ok(time)
        };
        let to_eager = |_| bare_to(&eager);
        let kinds: [Kind<'_>; 6] = [&bare, &bare, &bare_to_reaper, &ready, &encoded, &to_eager];
        let times = in_turns(rounds, kinds)?;
        table(KINDS, "100 in a row", times);
        let made_ready = |batch| timed(|| registrations(batch).map(drop));
        let [times] = in_turns(rounds, [&made_ready])?;
        println!("\nan action is made ready, and let go, in {:.2} µs", microseconds(median(times)));
        Ok(())
    }

    fn trips(rounds: u64) -> Result<()> {
        on_core(0)?;
        let reader = Reader::start("answer")?;
        reaper::start_from_main_with(Builder::new().without_log().acknowledged(true))?;
        backstop::reaper::check()?;
        let bare = |_| timed(|| (0..BATCH).try_for_each(|_| reader.round_trip(&BARE)));
        let ours = |batch| register(batch, Kept::intend);
        let times = in_turns(rounds, [&bare, &bare, &ours])?;
        table(["bare", "control", "acknowledged"], "round trips", times);
        Ok(())
    }

    /// A program with a reaper.
    fn owner() -> Result<()> {
        reaper::start_from_main_with(Builder::new().without_log())?;
        println!("main");
        backstop::reaper::check()?;
        println!("{}", reaper::pid().ok_or("no reaper")?);
        io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    }

    /// One that has something to be removed.
    fn victim(path: &str) -> Result<()> {
        reaper::start_from_main_with(Builder::new().without_log())?;
        let mut kept = Kept::new(0, Action::remove_file(path))?;
        kept.intend()?;
        File::create_new(path)?;
        kept.commit()?;
        println!("main");
        io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    }

    /// The same without.
    fn bare() -> Result<()> {
        println!("main");
        io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    }

    /// Starts a program, and waits until its `main` has got past what belongs to the reaper.
    fn started(arguments: &[&str]) -> Result<(Child, BufReader<ChildStdout>)> {
        let mut child =
            this()?.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?);
        lines.read_line(&mut String::new())?;
        Ok((child, lines))
    }

    fn starts(rounds: u64) -> Result<()> {
        let mut times = [const { Vec::new() }; 4];
        let mut private = Vec::new();
        for _ in 0..rounds {
            for (which, kind) in ["bare", "bare", "owner"].iter().enumerate() {
                let begun = Instant::now();
                let (mut child, mut lines) = started(&[kind])?;
                times[which].push(nanoseconds(begun.elapsed()));
                if *kind == "owner" {
                    let mut pid = String::new();
                    lines.read_line(&mut pid)?;
                    times[which + 1].push(nanoseconds(begun.elapsed()));
                    private.push(private_memory(pid.trim_end())?);
                }
                drop(child.stdin.take());
                child.wait()?;
            }
        }
        table(["start of main", "control", "with a reaper", "and it watches"], "starts", times);
        println!("\nprivate memory of the idle reaper: {} KiB", median(private));
        Ok(())
    }

    fn private_memory(pid: &str) -> Result<u64> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:"));
        Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no such line")?.parse()?)
    }

    fn kills(rounds: u64) -> Result<()> {
        let directory = tempfile::tempdir()?;
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
        inotify::add_watch(&watch, directory.path(), inotify::WatchFlags::DELETE)?;
        let mut times = Vec::new();
        for round in 0..rounds {
            let path = directory.path().join(round.to_string());
            times.push(kill(&path, &watch)?);
        }
        println!("\nSIGKILL to clean: {:.2} ms", microseconds(median(times)) / 1e3);
        Ok(())
    }

    fn kill(path: &Path, watch: &OwnedFd) -> Result<u64> {
        let (mut child, _) = started(&["victim", path.to_str().ok_or("not UTF-8")?])?;
        let begun = Instant::now();
        child.kill()?;
        while path.exists() {
            rustix::io::read(watch, &mut [0_u8; 4096])?;
        }
        let time = begun.elapsed();
        child.wait()?;
        Ok(nanoseconds(time))
    }

    fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<u64> {
        let begun = Instant::now();
        work()?;
        Ok(nanoseconds(begun.elapsed()))
    }

    fn nanoseconds(time: Duration) -> u64 {
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }

    #[allow(clippy::cast_precision_loss, reason = "far less than 2^52 nanoseconds")]
    fn microseconds(nanoseconds: u64) -> f64 {
        nanoseconds as f64 / 1e3
    }

    fn median(mut times: Vec<u64>) -> u64 {
        times.sort_unstable();
        times[times.len() / 2]
    }

    fn table<const N: usize>(names: [&str; N], what: &str, times: [Vec<u64>; N]) {
        let medians = times.map(median);
        println!("\n{what:<16} {:>10} {:>6}", "µs", "times");
        for (name, time) in names.into_iter().zip(medians) {
            let (time, first) = (microseconds(time), microseconds(medians[0]));
            println!("{name:<16} {time:>10.2} {:>6.2}", time / first);
        }
        let _ = io::stdout().flush();
    }
}
