fn first(items: &[Item]) -> Option<u32> {
    let __backstop_verdict0 = ::backstop::__private::judge::<Option<u32>>().verdict();
    let __backstop_flag0 = ::backstop::__private::Flag::new();
    defer! {}
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
        &const { ::backstop::__private::Site::new("log()") },
        |__backstop_unused0| {
            ::backstop::__private::value(
                    &(
                        log(),
                        #[deny(
                            unreachable_code,
                            reason = ".."
                        )]
                        (),
                    )
                        .0,
                )
                .ended()
        },
    );
    'outer: for item in items {
        let __backstop_flag1 = ::backstop::__private::Flag::new();
        let __backstop_value1 = ::backstop::__private::CheckedCall(
                item.open(),
                #[deny(
                    unreachable_code,
                    reason = ".."
                )]
                (),
            )
            .value();
        #[cfg(panic = "abort")]
        let _: () = ::backstop::__private::cleanup_never_runs_on_a_panic;
        let mut __backstop_slot1 = ::backstop::__private::Slot::new();
        let mut __backstop_owner1 = ::backstop::__private::Owner::<
            _,
            _,
            _,
            15u8,
        >::new(
            &mut __backstop_slot1,
            __backstop_value1,
            [&__backstop_flag1, &__backstop_flag0],
            &const { ::backstop::__private::Site::new("item") },
            |#[allow(unused_mut)] mut item| {
                ::backstop::__private::value(
                        &(
                            item.close(),
                            #[deny(
                                unreachable_code,
                                reason = ".."
                            )]
                            (),
                        )
                            .0,
                    )
                    .ended()
            },
        );
        let item = __backstop_owner1.handle();
        let _ = &item;
        if ::backstop::__private::CheckedCall(
                item.is_last(),
                #[deny(
                    unreachable_code,
                    reason = ".."
                )]
                (),
            )
            .value()
        {
            {
                ::backstop::__private::mark(&__backstop_flag1);
                break 'outer;
            };
        }
        let __backstop_before3 = ::backstop::__private::suspect(
            [&__backstop_flag1, &__backstop_flag0],
            ::backstop::__private::Verdict::hidden(__backstop_verdict0),
        );
        bail!(item);
        #[allow(unreachable_code)]
        ::backstop::__private::restore(
            [&__backstop_flag1, &__backstop_flag0],
            __backstop_before3,
        );
        match ::backstop::__private::CheckedCall(
                item.kind(),
                #[deny(
                    unreachable_code,
                    reason = ".."
                )]
                (),
            )
            .value()
        {
            0 => {
                ::backstop::__private::mark(&__backstop_flag1);
                continue;
            }
            1 => {
                return ::backstop::__private::leave(
                    [&__backstop_flag1, &__backstop_flag0],
                    __backstop_verdict0,
                    None,
                );
            }
            _ => {
                #[allow(unreachable_code)]
                ::backstop::__private::mark(&__backstop_flag1);
            }
        }
    }
    if ::backstop::__private::CheckedCall(
            items.is_empty(),
            #[deny(
                unreachable_code,
                reason = ".."
            )]
            (),
        )
        .value()
    {
        ::backstop::__private::leave(&__backstop_flag0, __backstop_verdict0, None)
    } else {
        ::backstop::__private::leave(&__backstop_flag0, __backstop_verdict0, Some(1))
    }
}
