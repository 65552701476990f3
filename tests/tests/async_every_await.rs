//! A future dropped at each place where it can wait: every cleanup that was declared by then runs,
//! exactly once, in reverse order, as a cancellation.
//!
//! [`check`] runs each function below, beside which stand the outcomes of a run to its end.
#![allow(
    clippy::uninlined_format_args,
    reason = "run in edition 2018, too, whose `assert!` has none"
)]

use std::future::{Future, IntoFuture, Ready, ready};
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use backstop::{Guard, Outcome, must_cleanup};
use backstop_tests::gate::{Gate, check};
use backstop_tests::{caught, with_events};

/// The end of every cleanup here: that it is reported is how a test sees it.
fn seen() -> Result<(), Outcome> {
    Err(Outcome::Error)
}

type Fallible = Result<u32, &'static str>;

macro_rules! every {
    ($($(#[$attribute:meta])* $expected:literal async fn $name:ident($gate:ident: &Gate)
        $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$attribute])*
            #[must_cleanup]
            async fn $name($gate: &Gate) $(-> $result)? $body
        )*

        /// Checks each of them, and gives how many there are.
        fn check_every() -> usize {
            let mut count = 0;
            $(
                check(stringify!($name), $expected, |gate| $name(gate));
                count += 1;
            )*
            count
        }
    };
}

every! {
    "a:success"
    async fn one_await(gate: &Gate) {
        #[cleanup(seen())]
        let a = gate.pause();
        let _ = &a;
        gate.pause().await;
    }

    "a:success"
    async fn value_in_the_tail(gate: &Gate) -> u32 {
        #[cleanup(seen())]
        let a = 7;
        gate.give(*a).await
    }

    "b:success a:success"
    async fn two_in_one_block(gate: &Gate) -> Fallible {
        #[cleanup(seen())]
        let a = gate.give(1).await;
        gate.pause().await;
        #[cleanup(seen())]
        let b = gate.give(2).await;
        gate.pause().await;
        Ok(*a + *b)
    }

    "b:error a:error"
    async fn question_after_an_await(gate: &Gate) -> Fallible {
        #[cleanup(seen())]
        let a = 1;
        #[cleanup(seen())]
        let b = 2;
        let _ = (&a, &b);
        gate.give(Err("no")).await?;
        Ok(3)
    }

    "a:error"
    async fn question_in_the_initialiser_of_the_second(gate: &Gate) -> Fallible {
        #[cleanup(seen())]
        let a: u32 = gate.give(Fallible::Ok(1)).await?;
        #[cleanup(seen())]
        let b: u32 = gate.give(Fallible::Err("no")).await?;
        Ok(*a + *b)
    }

    "a:error"
    async fn error_in_the_tail(gate: &Gate) -> Fallible {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        gate.give(Err("no")).await
    }

    "a:error"
    async fn error_returned(gate: &Gate) -> Fallible {
        #[cleanup(seen())]
        let a = gate.give(1).await;
        if *a == 1 {
            return gate.give(Err("no")).await;
        }
        Ok(*a)
    }

    "a:error"
    async fn none(gate: &Gate) -> Option<u32> {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        let b = gate.give(None::<u32>).await?;
        Some(b)
    }

    "a:error"
    async fn a_break_of_control_flow(gate: &Gate) -> ControlFlow<u32> {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        gate.give(ControlFlow::Break(3)).await?;
        ControlFlow::Continue(())
    }

    "inner:success inner:success inner:success outer:success"
    async fn in_a_loop(gate: &Gate) -> u32 {
        #[cleanup(seen())]
        let outer = 10;
        let mut sum = *outer;
        for turn in 0..3 {
            #[cleanup(seen())]
            let inner = gate.give(turn).await;
            gate.pause().await;
            sum += *inner;
        }
        sum
    }

    "inner:success inner:success inner:success"
    async fn break_and_continue(gate: &Gate) -> u32 {
        let mut turns = 0;
        loop {
            #[cleanup(seen())]
            let inner = gate.give(turns).await;
            turns += 1;
            if *inner == 0 {
                continue;
            }
            gate.pause().await;
            if *inner == 2 {
                break;
            }
        }
        turns
    }

    "b:success c:success b:success a:success"
    async fn break_with_a_value_through_two_blocks(gate: &Gate) -> u32 {
        #[cleanup(seen())]
        let a = 0;
        let mut turn = *a;
        let found = 'outer: loop {
            turn += 1;
            #[cleanup(seen())]
            let b = gate.give(turn).await;
            if *b == 2 {
                #[cleanup(seen())]
                let c = gate.give(3).await;
                break 'outer gate.give(*c).await;
            }
        };
        gate.give(found).await
    }

    "turn:success turn:error a:error"
    async fn error_in_the_second_turn(gate: &Gate) -> Fallible {
        #[cleanup(seen())]
        let a = 0;
        for turn in [Ok(1), Err("second"), Ok(3)] {
            #[cleanup(seen())]
            let turn = gate.give(turn).await;
            gate.pause().await;
            (*turn)?;
        }
        Ok(*a)
    }

    "b:success a:success"
    async fn in_both_arms(gate: &Gate) -> u32 {
        #[cleanup(seen())]
        let a = gate.give(2).await;
        match gate.give(*a).await {
            1 => 1,
            _ => {
                #[cleanup(seen())]
                let b = gate.give(3).await;
                gate.give(*b).await
            }
        }
    }

    "b:success a:success"
    async fn in_an_inner_block(gate: &Gate) -> u32 {
        #[cleanup(seen())]
        let a = 1;
        let inner = {
            #[cleanup(seen())]
            let b = gate.give(1).await;
            gate.pause().await;
            *b
        };
        gate.pause().await;
        *a + inner
    }

    "b:success a:success"
    async fn run_early(gate: &Gate) {
        #[cleanup(seen())]
        let a = 1;
        #[cleanup(seen())]
        let b = 2;
        let _ = &a;
        gate.pause().await;
        drop(b);
        gate.pause().await;
    }

    "b:success"
    async fn dismissed(gate: &Gate) -> u32 {
        #[cleanup(seen())]
        let a = 1;
        #[cleanup(seen())]
        let b = 2;
        gate.pause().await;
        let kept = Guard::dismiss(a);
        gate.pause().await;
        kept + *b
    }

    "announced:success"
    async fn a_guarded_statement(gate: &Gate) -> Fallible {
        #[cleanup(seen(), name = "announced")]
        gate.give(Fallible::Ok(1)).await?;
        gate.pause().await;
        Ok(2)
    }

    "a:error"
    async fn a_guarded_statement_that_fails(gate: &Gate) -> Fallible {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        #[cleanup(seen(), name = "announced")]
        gate.give(Fallible::Err("not announced")).await?;
        gate.pause().await;
        Ok(2)
    }

    "deferred:success"
    async fn deferred(gate: &Gate) {
        backstop::defer!(name = "deferred", seen());
        gate.pause().await;
        gate.pause().await;
    }

    "b:success a:success"
    async fn under_an_if_let(gate: &Gate) -> Fallible {
        #[cleanup(seen())]
        let a = gate.give(Some(1)).await;
        if let Some(n) = *a {
            #[cleanup(seen())]
            let b = gate.give(n).await;
            gate.pause().await;
            return Ok(*b);
        }
        Err("none")
    }

    "a:success a:success"
    async fn while_let(gate: &Gate) -> usize {
        let mut left = vec![1, 2];
        while let Some(n) = gate.give(left.pop()).await {
            #[cleanup(seen(), name = "a")]
            let _a = n;
            gate.pause().await;
        }
        left.len()
    }

    "a:success"
    async fn an_await_in_a_condition(gate: &Gate) -> bool {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        if gate.give(true).await && gate.give(false).await { true } else { gate.give(false).await }
    }

    "a:success"
    async fn awaits_in_arguments(gate: &Gate) -> u32 {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        u32::max(gate.give(1).await, gate.give(2).await) + gate.give(3).await
    }

    "a:success"
    async fn awaits_in_macros(gate: &Gate) -> String {
        #[cleanup(seen())]
        let a = vec![gate.give(1).await, gate.give(2).await];
        assert_eq!(gate.give(1).await, a[0]);
        format!("{} {}", gate.give(a[0]).await, a[1])
    }

    "a:success"
    async fn an_await_in_a_macro_that_prints_its_text(gate: &Gate) {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        assert!(gate.give(true).await, "told");
    }

    "a:success"
    async fn through_into_future(gate: &Gate) -> u32 {
        struct Query<'a>(&'a Gate);
        impl<'a> IntoFuture for Query<'a> {
            type Output = u32;
            type IntoFuture = Pin<Box<dyn Future<Output = u32> + Send + 'a>>;
            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async move { self.0.give(1).await })
            }
        }
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        Query(gate).await
    }

    "a:success"
    async fn a_pinned_reference(gate: &Gate) {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        let mut pause = pin!(gate.pause());
        pause.as_mut().await;
    }

    "a:success"
    async fn an_async_block_is_on_its_own(gate: &Gate) -> Fallible {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        let inner = async {
            gate.give(Fallible::Err("of the block's own")).await?;
            Fallible::Ok(1)
        };
        Ok(inner.await.unwrap_or(2))
    }

    "a:success"
    async fn a_closure_is_on_its_own(gate: &Gate) -> Fallible {
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        let inner = async |n: u32| -> Fallible {
            gate.give(Fallible::Err("of the closure's own")).await?;
            Ok(n)
        };
        Ok(inner(1).await.unwrap_or(2))
    }

    "inner:error a:success"
    async fn one_in_another(gate: &Gate) -> Fallible {
        #[must_cleanup]
        async fn inner(gate: &Gate) -> Fallible {
            #[cleanup(seen())]
            let inner = gate.give(1).await;
            gate.give(Err("inner")).await?;
            Ok(*inner)
        }
        #[cleanup(seen(), name = "a")]
        let _a = 1;
        Ok(inner(gate).await.unwrap_or(2))
    }

    "a:error"
    async fn a_hidden_exit(gate: &Gate) -> Fallible {
        macro_rules! bail {
            () => { return Err("hidden") };
        }
        #[cleanup(seen())]
        let a = 1;
        gate.pause().await;
        if *a == 1 {
            bail!();
        }
        Ok(1)
    }

    "a:success"
    async fn never_pending_but_once(gate: &Gate) -> u32 {
        #[cleanup(seen(), name = "a")]
        let _a = ready(1).await;
        let ready: Ready<u32> = ready(gate.give(2).await);
        ready.await
    }
}

#[test]
fn each_cleanup_runs_once_wherever_the_future_is_dropped() {
    let count = check_every();
    assert!(count >= 30, "{} functions", count);
}

#[test]
fn methods_generics_and_opaque_types() {
    struct Store<'a, T>(&'a Gate, T);

    #[must_cleanup]
    impl<T: Copy + Send + Sync + PartialEq> Store<'_, T> {
        async fn find(&mut self, wanted: T) -> Result<&mut T, &'static str> {
            #[cleanup(seen(), name = "find")]
            self.0.pause().await;
            if self.1 == wanted { Ok(&mut self.1) } else { Err("absent") }
        }

        async fn all(&self) -> impl Iterator<Item = &T> + use<'_, T> {
            #[cleanup(seen(), name = "all")]
            self.0.pause().await;
            std::iter::once(&self.1)
        }

        async fn opaque_in_a_result(&self) -> Result<impl Iterator<Item = T>, &'static str> {
            #[cleanup(seen(), name = "opaque")]
            let first = self.0.give(Some(self.1)).await.ok_or("none")?;
            let first = *first;
            Ok(std::iter::repeat_n(first, 2))
        }

        async fn into_inner(self: Box<Self>) -> T {
            #[cleanup(seen(), name = "into_inner")]
            let gate = self.0;
            gate.give(self.1).await
        }
    }

    let of = |gate: &'static Gate| Store(gate, 5);
    check("find", "find:success", |gate| async move { of(gate).find(5).await.map(|n| *n) });
    check("find", "find:error", |gate| async move { of(gate).find(6).await.map(|n| *n) });
    check("all", "all:success", |gate| async move { of(gate).all().await.count() });
    check("opaque", "opaque:success", |gate| async move {
        of(gate).opaque_in_a_result().await.map(Iterator::count)
    });
    check("into_inner", "into_inner:success", |gate| Box::new(of(gate)).into_inner());
}

#[test]
fn a_future_dropped_by_the_unwinding_of_another_is_cancelled() {
    let gate = Gate::new(0, false);
    let (ended, events) = with_events(|| {
        caught(|| {
            let mut bystander = pin!(one_await(&gate));
            let polled = bystander.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            panic!("another's");
        })
    });
    assert_eq!(ended, Err::<(), _>("another's".to_owned()));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].outcome, Outcome::Cancel);
}

#[test]
fn a_future_that_ends_while_another_unwinds_is_a_success() {
    let gate = Gate::new(usize::MAX, false);
    let (_, events) = with_events(|| {
        backstop_tests::during_unwind(|| {
            let mut future = pin!(two_in_one_block(&gate));
            let mut context = Context::from_waker(Waker::noop());
            while future.as_mut().poll(&mut context).is_pending() {}
        })
    });
    let outcomes: Vec<Outcome> = events.iter().map(|event| event.outcome).collect();
    assert_eq!(outcomes, [Outcome::Success, Outcome::Success]);
}
