::core::compile_error! {
    "unknown option `nonsense` of `must_cleanup`\nhelp: the options are `allow`, `unwinds`, `crate`"
}
::core::compile_error! {
    "`std::process::exit` ends the process without running destructors\nhelp: return an error, or an `ExitCode` from `main`"
}
::core::compile_error! {
    "`?` cannot leave a cleanup\nhelp: end the cleanup with the `Result` itself: an `Err` is reported as a failed cleanup"
}
::core::compile_error! {
    "unknown outcome `sometimes`\nhelp: `on` takes `always`, `success`, `error`, `unwind`, `cancel`, `failure`, or a list such as `[error, unwind]`"
}
fn f() {
    let __backstop_verdict0 = ::backstop::__private::judge::<()>().verdict();
    let __backstop_flag0 = ::backstop::__private::Flag::new();
    let __backstop_value0 = 1;
    #[cfg(panic = "abort")]
    let _: () = ::backstop::__private::cleanup_never_runs_on_a_panic;
    let mut __backstop_slot0 = ::backstop::__private::Slot::new();
    let mut __backstop_owner0 = ::backstop::__private::Owner::<
        _,
        _,
        _,
        15u8,
    >::new(
        &mut __backstop_slot0,
        __backstop_value0,
        &__backstop_flag0,
        &const { ::backstop::__private::Site::new("a") },
        |__backstop_unused0| { ::backstop::__private::value(&()).ended() },
    );
    let a = __backstop_owner0.handle();
    #[allow(unreachable_code)]
    ::backstop::__private::leave(
        &__backstop_flag0,
        __backstop_verdict0,
        std::process::exit(a),
    )
}
