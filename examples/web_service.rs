//! A shop as a web service. A client that goes away in the middle of its order leaves nothing behind: no
//! task, no connection, no open transaction.
//!
//! ```text
//! cargo run --example web_service             # serves, and says what to try
//! cargo run --example web_service -- demo     # 500 clients that go away, and the same in plain tokio
//! ```
//!
//! What is to be copied stands here, from [`order`] on. The shop itself, its supplier and the service in
//! plain tokio are in `web-service/src`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use backstop::{CancelCause, CancelToken, Guard, cancel_token, defer, must_cleanup, scoped_spawn};
use backstop_web_service::options::{Command, Options, USAGE, print};
use backstop_web_service::shop::{self, Failure, Line, Order, Shop};
use backstop_web_service::{demo, plain};
use tokio::net::TcpListener;

/// `POST /orders`: places the order that the body has, a line for an item.
///
/// axum drops this future where the client goes away, at whatever `.await` it is.
#[must_cleanup]
async fn order(State(shop): State<Arc<Shop>>, body: String) -> Result<String, Failure> {
    let lines = Line::parse(&body)?;

    #[cleanup(shop.leave())]
    shop.enter();

    // 8 s for all of it, the wait for a connection among it. No child of the ambient token: that one is
    // cancelled by the first SIGTERM, when orders in progress may still end well.
    let request = CancelToken::new().child_with_timeout(shop.deadlines.request);
    match request.run(place(&shop, lines)).await {
        Ok(placed) => placed,
        Err(_) => Err(Failure::Late("the request")),
    }
}

#[must_cleanup]
async fn place(shop: &Shop, lines: Vec<Line>) -> Result<String, Failure> {
    // Awaited on every way out that is no success; if the client is gone, on backstop's own runtime.
    #[cleanup(async { order.rollback().await }, on = failure, timeout = "5s")]
    let mut order = shop.begin().await?;

    let total = fill(shop, &mut order, lines).await?;

    // Its own from here on: what is not committed when it is dropped, sqlx rolls back.
    let id = statement(shop, Guard::dismiss(order).commit(total)).await?;
    Ok(format!("order {id}: {total}\n"))
}

/// Asks the supplier for all lines at once. The tasks end before this does; they are aborted when the 5 s
/// are over, and when the client goes away.
#[must_cleanup]
#[scoped_spawn(deadline = shop.deadlines.work)]
async fn fill(shop: &Shop, order: &mut Order, lines: Vec<Line>) -> Result<u32, Failure> {
    // And when a line fails: else the scope would wait for the prices of the others.
    defer!(on = error, cancel_token().cancel_with(CancelCause::SiblingFailed));

    let mut asked = Vec::new();
    for line in lines {
        let price = tokio::spawn(shop.supplier.price(line.item.clone()));
        asked.push((line, price));
    }
    let mut total = 0;
    for (line, price) in asked {
        let price = price.await??;
        statement(shop, order.reserve(&line)).await?;
        total += price * line.amount;
    }
    Ok(total)
}

/// A statement has 3 s, or what is left of the 5 s and the 8 s: a child's deadline is never later than its
/// parent's.
async fn statement<T>(
    shop: &Shop,
    statement: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let token = cancel_token().child_with_timeout(shop.deadlines.statement);
    match token.run(statement).await {
        Ok(done) => done,
        Err(_) => Err(Failure::Late("a statement")),
    }
}

/// Serves until the token is cancelled, and then ends what is in progress.
#[must_cleanup]
async fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    let supplier = options.supplier().await?;
    let place = tempfile::tempdir()?;
    let database = options.database(place.path());

    let shop = Shop::open(&database, supplier, options.deadlines).await?;
    #[cleanup(async { pool.close().await }, timeout = "5s")]
    let pool = shop.pool.clone();

    let order = if options.plain { post(plain::order) } else { post(order) };
    let listener = TcpListener::bind(&options.listen).await?;
    options.announce(listener.local_addr()?);

    let asked = cancel_token().cancelled();
    let shutdown = async move { _ = asked.await };
    axum::serve(listener, shop::router(shop, order)).with_graceful_shutdown(shutdown).await?;
    Ok(())
}

/// The grace period is longer than any request may take: after SIGTERM, all that are in progress end by
/// themselves, and so does the program, with 0. A second SIGTERM drops them, and the status tells of it.
#[backstop::main(grace = "10s")]
async fn main() -> ExitCode {
    let result = match Command::from_env() {
        Ok(Command::Serve(options)) => serve(options).await,
        Ok(Command::Demo) => demo::run().await,
        Ok(Command::Help) => {
            print(USAGE);
            Ok(())
        }
        Err(error) => {
            eprintln!("error: {error}\n  help: `web_service --help` shows how to call it");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
