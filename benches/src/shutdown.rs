//! Many tasks that wait to be told to end, and their end: in a scope, and with tokio-graceful-shutdown.

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backstop::scope::Options;
use backstop::{CancelCause, CancelToken, cancel_token};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};
use tokio_util::sync::CancellationToken;

/// What is measured: the end of what was made before.
pub type End = Box<dyn FnOnce()>;

/// A way to have many that end at once.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// What it is called in the table, and on the command line.
    pub name: &'static str,
    /// Makes so many, and gives what ends them.
    pub make: fn(usize) -> End,
}

/// Every way. The first is what the next three are compared with.
pub const WAYS: [Way; 6] = [
    Way { name: "tokio-graceful-shutdown", make: subsystems },
    Way { name: "tokio-graceful-shutdown once more", make: subsystems },
    Way { name: "scope", make: tasks },
    Way { name: "scope, a token for each task", make: tasks_with_tokens },
    Way { name: "tokens", make: tokens },
    Way { name: "tokens that tasks wait for", make: awaited },
];

/// The longest that any of them may take, which none does.
const PATIENCE: Duration = Duration::from_secs(600);

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

const SHUTDOWN: CancelCause = CancelCause::Shutdown { immediate: false };

fn runtime() -> Rc<Runtime> {
    let runtime = Builder::new_current_thread().enable_time().build();
    Rc::new(runtime.expect("a runtime on this thread needs next to nothing"))
}

/// Tells when all have begun to wait.
#[derive(Default)]
struct Waiting {
    count: AtomicUsize,
    all: Notify,
}

impl Waiting {
    fn begin(&self, all: usize) {
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == all {
            self.all.notify_one();
        }
    }
}

fn subsystems(count: usize) -> End {
    let runtime = runtime();
    let waiting = Arc::new(Waiting::default());
    let token = CancellationToken::new();
    let toplevel = runtime.block_on(async {
        let begun = Arc::clone(&waiting);
        let start = async move |parent: &mut SubsystemHandle| {
            for n in 0..count {
                let begun = Arc::clone(&begun);
                let subsystem = async move |own: &mut SubsystemHandle| {
                    begun.begin(count);
                    own.on_shutdown_requested().await;
                    black_box(n);
                    Ok::<(), BoxedError>(())
                };
                parent.start(SubsystemBuilder::new("worker", subsystem));
            }
        };
        let toplevel = Toplevel::new_with_shutdown_token(start, token.clone());
        waiting.all.notified().await;
        toplevel
    });
    Box::new(move || {
        token.cancel();
        let ended = runtime.block_on(toplevel.handle_shutdown_requests(PATIENCE));
        assert!(ended.is_ok(), "{ended:?}");
    })
}

fn tasks(count: usize) -> End {
    scoped(count, cancel_token)
}

fn tasks_with_tokens(count: usize) -> End {
    scoped(count, || cancel_token().child())
}

/// Tasks that wait for the token that they get, each with a name, as a subsystem has.
fn scoped(count: usize, token: fn() -> CancelToken) -> End {
    let runtime = runtime();
    let waiting = Arc::new(Waiting::default());
    let shutdown = CancelToken::new();
    let begun = Arc::clone(&waiting);
    let mut scope = Box::pin(Options::new().child_of(&shutdown).tokio(move |s| async move {
        for n in 0..count {
            let begun = Arc::clone(&begun);
            s.task().name("worker").spawn(async move {
                begun.begin(count);
                token().cancelled().await;
                black_box(n);
            });
        }
    }));
    runtime.block_on(async {
        tokio::select! {
            () = &mut scope => {}
            () = waiting.all.notified() => {}
        }
    });
    Box::new(move || {
        shutdown.cancel_with(SHUTDOWN);
        runtime.block_on(scope);
    })
}

fn tokens(count: usize) -> End {
    let parent = CancelToken::new();
    let children: Vec<_> = (0..count).map(|_| parent.child()).collect();
    Box::new(move || {
        parent.cancel();
        assert!(children.iter().all(CancelToken::is_cancelled));
    })
}

/// A child for each task, which are no scope's.
fn awaited(count: usize) -> End {
    let runtime = runtime();
    let waiting = Arc::new(Waiting::default());
    let parent = CancelToken::new();
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let (token, begun) = (parent.child(), Arc::clone(&waiting));
            runtime.spawn(async move {
                begun.begin(count);
                token.cancelled().await
            })
        })
        .collect();
    runtime.block_on(waiting.all.notified());
    Box::new(move || {
        parent.cancel();
        runtime.block_on(async {
            for task in tasks {
                assert_eq!(task.await.ok(), Some(CancelCause::Requested));
            }
        });
    })
}
