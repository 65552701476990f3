fn run(input: &Input) -> u32 {
    let mut total = ::backstop::__private::checked_call((
        parse(
            &(
                open(input),
                #[deny(
                    unreachable_code,
                    reason = ".."
                )]
                (),
            )
                .0,
        ),
        #[deny(
            unreachable_code,
            reason = ".."
        )]
        (),
    )) + 1;
    check(total);
    #[deny(
        unreachable_code,
        reason = ".."
    )] ();
    if total == 0 {
        fail()
    }
    -(
        measure(total),
        #[deny(
            unreachable_code,
            reason = ".."
        )]
        (),
    )
        .0
}
