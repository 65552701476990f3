fn publish(store: &Store) -> Result<Url, Error> {
    let __backstop_verdict0 = ::backstop::__private::judge::<Result<Url, Error>>()
        .verdict();
    let __backstop_flag0 = ::backstop::__private::Flag::new();
    let __backstop_value0 = ::backstop::__private::question(
        &__backstop_flag0,
        store.begin(),
    )?;
    #[cfg(panic = "abort")]
    let _: () = ::backstop::__private::cleanup_never_runs_on_a_panic;
    let mut __backstop_slot0 = ::backstop::__private::Slot::new();
    let mut __backstop_owner0 = ::backstop::__private::Owner::<
        _,
        _,
        _,
        14u8,
    >::new(
        &mut __backstop_slot0,
        __backstop_value0,
        &__backstop_flag0,
        &const { ::backstop::__private::Site::new("tx") },
        |#[allow(unused_mut)] mut tx| {
            ::backstop::__private::value(
                    &(
                        tx.rollback(),
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
    let mut tx = __backstop_owner0.handle();
    let _ = &tx;
    ::backstop::__private::question(&__backstop_flag0, tx.commit())?;
    ::backstop::__private::leave(
        &__backstop_flag0,
        __backstop_verdict0,
        Ok(
            ::backstop::__private::CheckedCall(
                    tx.url(),
                    #[deny(
                        unreachable_code,
                        reason = ".."
                    )]
                    (),
                )
                .value(),
        ),
    )
}
