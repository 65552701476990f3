fn enter(registry: &Registry) -> Result<(), Error> {
    let __backstop_verdict0 = ::backstop::__private::judge::<Result<(), Error>>()
        .verdict();
    let __backstop_flag0 = ::backstop::__private::Flag::new();
    let __backstop_armed0 = ::backstop::__private::Armed::new();
    #[cfg(panic = "abort")]
    let _: () = ::backstop::__private::cleanup_never_runs_on_a_panic;
    let mut __backstop_slot0 = ::backstop::__private::Slot::new();
    let __backstop_owner0 = ::backstop::__private::Owner::<
        _,
        _,
        _,
        15u8,
    >::new(
        &mut __backstop_slot0,
        (),
        &__backstop_flag0,
        &const { ::backstop::__private::Site::new("registry.withdraw()") },
        |__backstop_unused0| {
            if __backstop_armed0.get() {
                ::backstop::__private::value(
                        &(
                            registry.withdraw(),
                            #[deny(
                                unreachable_code,
                                reason = ".."
                            )]
                            (),
                        )
                            .0,
                    )
                    .ended()
            } else {
                ::backstop::__private::Ended::WELL
            }
        },
    );
    ::backstop::__private::question_disarming(
        &__backstop_flag0,
        [&__backstop_armed0],
        registry.announce(),
    )?;
    ::backstop::__private::leave(
        &__backstop_flag0,
        __backstop_verdict0,
        ::backstop::__private::CheckedCall(
                serve(),
                #[deny(
                    unreachable_code,
                    reason = ".."
                )]
                (),
            )
            .value(),
    )
}
