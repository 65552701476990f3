//! With the feature `tracing`: the span that a cleanup was declared in goes with it, and one that fails is
//! an event.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};
use std::{panic, thread};

use backstop::must_cleanup;
use backstop_tests::caught;
use backstop_tests::part::{is_part, lines, stderr_of};
use backstop_tests_tokio::{drained, polled};
use tokio::task::yield_now;
use tracing::field::{Field, Visit};
use tracing::{Instrument as _, Level, Span, Subscriber, error_span, info, info_span, span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// An event that the subscriber was told of.
#[derive(Clone, Debug)]
struct Seen {
    target: String,
    level: Level,
    fields: HashMap<&'static str, String>,
    /// The field `request` of the span that it was in.
    request: Option<String>,
    thread: Option<String>,
}

impl Seen {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Visits fields as text.
struct Texts<'a>(&'a mut HashMap<&'static str, String>);

impl Visit for Texts<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

#[derive(Default)]
struct Recording {
    seen: Mutex<Vec<Seen>>,
    /// Requests whose spans are closed.
    closed: Mutex<Vec<String>>,
}

/// The field `request` of a span.
struct Request(Option<String>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for &'static Recording {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        cx: LayerContext<'_, S>,
    ) {
        let mut fields = HashMap::new();
        attributes.record(&mut Texts(&mut fields));
        let span = cx.span(id).expect("it is new");
        span.extensions_mut().insert(Request(fields.remove("request")));
    }

    fn on_event(&self, event: &tracing::Event<'_>, cx: LayerContext<'_, S>) {
        let mut fields = HashMap::new();
        event.record(&mut Texts(&mut fields));
        let request = cx.event_span(event).and_then(|span| {
            span.extensions().get::<Request>().and_then(|request| request.0.clone())
        });
        let metadata = event.metadata();
        lock(&self.seen).push(Seen {
            target: metadata.target().to_owned(),
            level: *metadata.level(),
            fields,
            request,
            thread: thread::current().name().map(str::to_owned),
        });
    }

    fn on_close(&self, id: span::Id, cx: LayerContext<'_, S>) {
        let span = cx.span(&id).expect("it closes");
        let request = span.extensions().get::<Request>().and_then(|request| request.0.clone());
        lock(&self.closed).extend(request);
    }
}

/// The subscriber of this process.
fn recording() -> &'static Recording {
    static RECORDING: OnceLock<&'static Recording> = OnceLock::new();
    RECORDING.get_or_init(|| {
        let recording: &'static Recording = Box::leak(Box::default());
        let subscriber = tracing_subscriber::registry().with(recording);
        tracing::subscriber::set_global_default(subscriber).expect("there is none");
        recording
    })
}

/// What was said of a name.
fn seen(name: &str) -> Vec<Seen> {
    let seen = lock(&recording().seen);
    seen.iter().filter(|seen| seen.field("name") == name).cloned().collect()
}

fn is_closed(request: &str) -> bool {
    lock(&recording().closed).iter().any(|closed| closed == request)
}

/// Says a few times that it is at it, as the client of a database would.
async fn close(name: &'static str) {
    for _ in 0..3 {
        yield_now().await;
        info!(name, "closing");
    }
}

/// Has an `async` cleanup and a sync one, and waits.
#[must_cleanup]
async fn request(name: &'static str) {
    #[cleanup(info!(name, "sync"))]
    let _sync = ();
    #[cleanup(async { close(name).await })]
    let name = name;
    info!(name = *name, "working");
    pending::<()>().await;
}

/// Polls a future within a span, gives the span up, and drops the future outside of any, as where a runtime
/// shuts down.
fn begin_within(span: Span, future: impl Future<Output = ()>) {
    let mut future = Box::pin(future);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(span.in_scope(|| future.as_mut().poll(&mut cx)).is_pending());
    drop(span);
    drop(future);
}

#[test]
fn a_cleanup_that_is_handed_over_runs_in_the_span_it_was_declared_in() {
    recording();
    for number in ["handed-1", "handed-2"] {
        begin_within(info_span!("request", request = number), request(number));
    }
    drained();
    for number in ["handed-1", "handed-2"] {
        let seen = seen(number);
        let said: Vec<_> =
            seen.iter().map(|seen| (seen.field("message"), seen.request.as_deref())).collect();
        let (within, closing) = (Some(number), ("closing", Some(number)));
        // The control: what runs where the future is dropped is in the span of that place.
        let sync = ("sync", None);
        let handed_over: Vec<_> = said.iter().filter(|said| said.0 == "closing").collect();
        assert_eq!(handed_over, [&closing; 3]);
        assert!(said.contains(&("working", within)) && said.contains(&sync), "{said:?}");
        let closing = seen.iter().find(|seen| seen.field("message") == "closing").unwrap();
        assert_eq!(closing.thread.as_deref(), Some("backstop-cleanup"));
        // It is open until its cleanups have ended, and no longer.
        assert!(is_closed(number));
    }
}

#[test]
fn a_cleanup_that_is_awaited_in_place_runs_in_the_span_it_was_declared_in() {
    #[must_cleanup]
    async fn moves(name: &'static str) {
        #[cleanup(async { close(name).await })]
        let name = name;
        info!(name = *name, "working");
        yield_now().await;
        info!(name = *name, "moved");
    }
    recording();
    let [before, after] = ["before", "after"].map(|number| info_span!("request", request = number));
    let mut future = pin!(moves("in place"));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(before.in_scope(|| future.as_mut().poll(&mut cx)).is_pending());
    while after.in_scope(|| future.as_mut().poll(&mut cx)).is_pending() {}
    let seen = seen("in place");
    let said: Vec<_> =
        seen.iter().map(|seen| (seen.field("message"), seen.request.as_deref().unwrap())).collect();
    let closing = ("closing", "before");
    assert_eq!(said, [("working", "before"), ("moved", "after"), closing, closing, closing]);
}

#[test]
fn a_failed_cleanup_is_an_event_in_the_span_it_was_declared_in() {
    #[must_cleanup]
    async fn fails() {
        #[cleanup(async { Err::<(), _>("connection reset") }, name = "fails")]
        let _a = 1;
        yield_now().await;
    }
    recording();
    for polls in [1, 2] {
        let span = error_span!("request", request = "failing");
        polled(polls, fails().instrument(span));
        drained();
    }
    let seen = seen("fails");
    let line = (line!() - 11).to_string();
    assert_eq!(seen.len(), 2);
    for (seen, outcome) in seen.iter().zip(["cancel", "success"]) {
        assert_eq!((seen.target.as_str(), seen.level), ("backstop", Level::ERROR));
        assert_eq!(seen.request.as_deref(), Some("failing"));
        assert_eq!(seen.field("kind"), "cleanup failed");
        assert_eq!(seen.field("outcome"), outcome);
        assert_eq!((seen.field("file"), seen.field("line")), (file!(), line.as_str()));
        assert_eq!(seen.field("message"), "connection reset");
        assert!(seen.field("elapsed").ends_with('s'), "{seen:?}");
        assert_eq!(seen.field("thread"), seen.thread.as_deref().unwrap());
    }
}

#[test]
fn a_failed_sync_cleanup_is_an_event_with_the_time_that_it_took() {
    #[must_cleanup]
    fn fails(panics: bool) {
        #[cleanup(if panics { panic!("broken") } else { Err::<(), _>("broken") }, name = "sync fails")]
        let _a = 1;
    }
    recording();
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    info_span!("request", request = "sync").in_scope(|| {
        fails(false);
        assert_eq!(caught(|| fails(true)), Err("broken".to_owned()));
    });
    panic::set_hook(hook);
    let seen = seen("sync fails");
    let kinds: Vec<_> = seen.iter().map(|seen| seen.field("kind")).collect();
    assert_eq!(kinds, ["cleanup failed", "cleanup panicked"]);
    for seen in seen {
        assert_eq!(seen.request.as_deref(), Some("sync"));
        assert_eq!((seen.field("outcome"), seen.field("message")), ("success", "broken"));
        assert!(seen.field("elapsed").ends_with('s'), "{seen:?}");
    }
}

#[must_cleanup]
fn fails_here() {
    #[cleanup(Err::<(), _>("connection reset"))]
    let _connection = 0;
}

#[test]
fn a_failed_cleanup_is_a_line_on_stderr_only_where_no_subscriber_takes_it() {
    let part = "a_failed_cleanup_is_a_line_on_stderr_only_where_no_subscriber_takes_it";
    if is_part(part) {
        eprintln!("nobody");
        fails_here();
        eprintln!("filtered");
        let taken = recording();
        let filtered = tracing_subscriber::registry().with(LevelFilter::OFF);
        tracing::subscriber::with_default(filtered, fails_here);
        eprintln!("taken");
        fails_here();
        assert_eq!(lock(&taken.seen).len(), 1);
        eprintln!("end");
    } else {
        let stderr = stderr_of(part);
        let line = "backstop: cleanup `_connection` failed on success at ";
        let said: Vec<_> = stderr
            .lines()
            .filter(|said| !said.is_empty())
            .map(|said| if said.starts_with(line) { "line" } else { said })
            .collect();
        assert_eq!(said, ["nobody", "line", "filtered", "line", "taken", "end"], "{stderr}");
    }
}

/// Panics at whatever it is told.
struct Panicking;

impl<S: Subscriber> Layer<S> for Panicking {
    fn on_event(&self, _: &tracing::Event<'_>, _: LayerContext<'_, S>) {
        panic!("of an event");
    }

    fn on_enter(&self, _: &span::Id, _: LayerContext<'_, S>) {
        assert!(!is_cleaning(), "at the beginning");
    }

    fn on_exit(&self, _: &span::Id, _: LayerContext<'_, S>) {
        assert!(!is_cleaning(), "at the end");
    }

    fn on_close(&self, _: span::Id, _: LayerContext<'_, S>) {
        panic!("at the close");
    }
}

fn is_cleaning() -> bool {
    thread::current().name() == Some("backstop-cleanup")
}

#[test]
fn a_subscriber_that_panics_takes_no_cleanup_and_no_report_with_it() {
    #[must_cleanup]
    async fn fails() {
        #[cleanup(
            async {
                eprintln!("cleaning");
                yield_now().await;
                eprintln!("cleaned");
                Err::<(), _>("connection reset")
            },
            name = "fails"
        )]
        let _a = 1;
        pending::<()>().await;
    }
    #[must_cleanup]
    async fn owes_nothing() {
        #[cleanup(async { eprintln!("cleaned") }, on = success)]
        pending::<()>().await;
    }
    let part = "a_subscriber_that_panics_takes_no_cleanup_and_no_report_with_it";
    if is_part(part) {
        let subscriber = tracing_subscriber::registry().with(Panicking);
        tracing::subscriber::set_global_default(subscriber).expect("there is none");
        panic::set_hook(Box::new(|_| {}));
        begin_within(info_span!("request"), fails());
        begin_within(info_span!("request"), owes_nothing());
        drained();
        fails_here();
    } else {
        let stderr = stderr_of(part);
        let cleaned: Vec<_> = stderr.lines().filter(|line| line.starts_with("clean")).collect();
        assert_eq!(cleaned, ["cleaning", "cleaned"], "{stderr}");
        let [there, here] = lines(&stderr)[..] else { panic!("{stderr}") };
        assert!(there.contains("`fails` failed on cancel"), "{stderr}");
        assert!(here.contains("`_connection` failed on success"), "{stderr}");
    }
}
