async fn fetch(store: &Store) -> Result<Url, Error> {
    let __backstop_verdict0 = ::backstop::__private::judge::<Result<Url, Error>>()
        .verdict();
    let __backstop_flag0 = ::backstop::__private::SharedFlag::new();
    let __backstop_value0 = ::backstop::__private::question_async(
        ::backstop::__private::aw(store.begin(), &__backstop_flag0).await,
        &__backstop_flag0,
    )?;
    let mut __backstop_owner0 = ::backstop::__private::AsyncOwner::<
        _,
        _,
        _,
        _,
        10u8,
    >::new(
        __backstop_value0,
        &__backstop_flag0,
        || &const { ::backstop::__private::Site::new("tx") },
        |#[allow(unused_mut)] mut tx| {
            ::backstop::__private::value(&tx.rollback()).ended()
        },
    );
    let tx = __backstop_owner0.handle();
    let _ = &tx;
    let __backstop_before2 = ::backstop::__private::suspect(
        &__backstop_flag0,
        ::backstop::Outcome::Cancel,
    );
    tokio::select! {
        n = tx.next() => ::backstop::__private::question_async(n, & __backstop_flag0) ?,
        else => return ::backstop::__private::leave_async:: < Result < Url, Error >, _ >
        ((Err(Error::Ended),), & __backstop_flag0, __backstop_verdict0)
    };
    #[allow(unreachable_code)]
    ::backstop::__private::restore(&__backstop_flag0, __backstop_before2);
    ::backstop::__private::leave_async::<
        Result<Url, Error>,
        _,
    >(
        (Ok(::backstop::__private::aw(tx.url(), &__backstop_flag0).await),),
        &__backstop_flag0,
        __backstop_verdict0,
    )
}
