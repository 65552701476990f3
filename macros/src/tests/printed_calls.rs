fn serve(names: &[Name]) -> u8 {
    if false {
        ::backstop::__private::checked_call((
            ::backstop::__private::checked_call((
                ::backstop::__private::checked_call((
                        names.iter(),
                        #[deny(
                            unreachable_code,
                            reason = ".."
                        )]
                        (),
                    ))
                    .all(known),
                #[deny(
                    unreachable_code,
                    reason = ".."
                )]
                (),
            ))
                && ::backstop::__private::CheckedCall(
                        ready(),
                        #[deny(
                            unreachable_code,
                            reason = ".."
                        )]
                        (),
                    )
                    .value(),
            (),
        ));
        ::core::unreachable!()
    }
    assert!(names.iter().all(known) && ready());
    assert!(
        ::backstop::__private::CheckedCall(ready(), #[deny(unreachable_code, reason =
        "..")]
        ()).value(), "not ready"
    );
    (
        {
            if false {
                ::backstop::__private::checked_call((
                    ::backstop::__private::checked_call((
                        first(names),
                        #[deny(
                            unreachable_code,
                            reason = ".."
                        )]
                        (),
                    )),
                    (),
                ));
                ::core::unreachable!()
            }
        },
        dbg!(first(names)),
    )
        .1
}
