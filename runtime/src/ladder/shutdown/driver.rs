//! A runtime without threads of its own, driven by one that may stay behind.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A thread that lets the tasks and the I/O of a runtime go on, while another one waits for something.
pub(super) struct Driver {
    stop: oneshot::Sender<()>,
    back: Receiver<Runtime>,
}

impl Driver {
    /// Gives the runtime back where there is no thread to be had.
    pub(super) fn start(runtime: Runtime) -> Result<Self, Runtime> {
        let (lend, taken) = mpsc::sync_channel::<Runtime>(1);
        // Without a place to leave it in: whoever drops the runtime waits for its blocking tasks.
        let (give, back) = mpsc::sync_channel(0);
        let (stop, stopped) = oneshot::channel::<()>();
        let drive = move || {
            if let Ok(runtime) = taken.recv() {
                let _ = runtime.block_on(stopped);
                let _ = give.send(runtime);
            }
        };
        // Without the thread there is nobody to lend it to.
        let _ = thread::Builder::new().name("backstop-driver".to_owned()).spawn(drive);
        lend.send(runtime).map_err(|unsent| unsent.0)?;
        Ok(Self { stop, back })
    }

    /// Gives the runtime back, unless one of its tasks has not yielded within `limit`.
    pub(super) fn stop(self, limit: Duration) -> Option<Runtime> {
        let _ = self.stop.send(());
        self.back.recv_timeout(limit).ok()
    }
}
