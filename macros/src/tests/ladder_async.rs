async fn enter(dir: &Path) {
    let __backstop_verdict0 = ::backstop::__private::judge::<()>().verdict();
    let __backstop_flag0 = ::backstop::__private::SharedFlag::new();
    let __backstop_armed0 = ::backstop::__private::SharedArmed::new();
    let __backstop_entry0 = {
        ::backstop::__needs!(exit);
        ::backstop::__private::survive_exit(
            ::backstop::__private::announce_exit(),
            &const { ::backstop::__private::Site::new("move || remove()") },
            false,
            move || {
                ::backstop::__private::CheckedCall(
                        remove(),
                        #[deny(
                            unreachable_code,
                            reason = ".."
                        )]
                        (),
                    )
                    .value()
            },
        )
    };
    let __backstop_created0 = __backstop_entry0.making_async();
    let __backstop_owner0 = ::backstop::__private::AsyncOwner::<
        _,
        _,
        _,
        _,
        15u8,
    >::new(
        (),
        &__backstop_flag0,
        || &const { ::backstop::__private::Site::new("move || remove()") },
        |__backstop_unused0| {
            if __backstop_armed0.get() {
                __backstop_entry0.run(__backstop_unused0)
            } else {
                ::backstop::__private::Ended::WELL
            }
        },
    );
    {
        let __backstop_flag1 = ::backstop::__private::SharedFlag::new();
        let _ = ();
        let __backstop_armed1 = ::backstop::__private::SharedArmed::new();
        let __backstop_entry1 = {
            ::backstop::__needs!(exit);
            ::backstop::__private::survive_exit(
                ::backstop::__private::announce_exit(),
                &const { ::backstop::__private::Site::new("move || unlink()") },
                false,
                move || {
                    ::backstop::__private::CheckedCall(
                            unlink(),
                            #[deny(
                                unreachable_code,
                                reason = ".."
                            )]
                            (),
                        )
                        .value()
                },
            )
        };
        let __backstop_created1 = __backstop_entry1.making_async();
        let __backstop_owner1 = ::backstop::__private::AsyncOwner::<
            _,
            _,
            _,
            _,
            15u8,
        >::new(
            (),
            [&__backstop_flag1, &__backstop_flag0],
            || &const { ::backstop::__private::Site::new("move || unlink()") },
            |__backstop_unused1| {
                if __backstop_armed1.get() {
                    __backstop_entry1.run(__backstop_unused1)
                } else {
                    ::backstop::__private::Ended::WELL
                }
            },
        );
        ::backstop::__private::aw(
                __backstop_created0.during(__backstop_created1.during(create(dir))),
                [&__backstop_flag1, &__backstop_flag0],
            )
            .await;
        #[allow(unreachable_code)] __backstop_created1.commit();
        #[deny(
            unreachable_code,
            reason = ".."
        )] ();
        ::backstop::__private::aw(
                __backstop_created0.during(fill(dir)),
                [&__backstop_flag1, &__backstop_flag0],
            )
            .await;
        #[deny(
            unreachable_code,
            reason = ".."
        )] ();
        #[allow(unreachable_code)] ::backstop::__private::mark(&__backstop_flag1);
    };
    #[allow(unreachable_code)] __backstop_created0.commit();
    let __backstop_armed2 = ::backstop::__private::SharedArmed::new();
    let __backstop_entry2 = {
        ::backstop::__needs!(exit);
        ::backstop::__private::survive_exit(
            ::backstop::__private::announce_exit(),
            &const { ::backstop::__private::Site::new("move || remove()") },
            false,
            move || {
                ::backstop::__private::CheckedCall(
                        remove(),
                        #[deny(
                            unreachable_code,
                            reason = ".."
                        )]
                        (),
                    )
                    .value()
            },
        )
    };
    let __backstop_created2 = __backstop_entry2.making_unseen();
    let __backstop_owner2 = ::backstop::__private::AsyncOwner::<
        _,
        _,
        _,
        _,
        15u8,
    >::new(
        (),
        &__backstop_flag0,
        || &const { ::backstop::__private::Site::new("move || remove()") },
        |__backstop_unused2| {
            if __backstop_armed2.get() {
                __backstop_entry2.run(__backstop_unused2)
            } else {
                ::backstop::__private::Ended::WELL
            }
        },
    );
    let __backstop_before5 = ::backstop::__private::suspect(
        &__backstop_flag0,
        ::backstop::Outcome::Cancel,
    );
    select! {
        _ = ::backstop::__private::checked_call((create(dir), #[deny(unreachable_code,
        reason =
        "..")]
        ())) => {}
    };
    #[allow(unreachable_code)]
    ::backstop::__private::restore(&__backstop_flag0, __backstop_before5);
    #[allow(unreachable_code)] __backstop_created2.commit();
    #[allow(unreachable_code)] ::backstop::__private::mark(&__backstop_flag0);
}
