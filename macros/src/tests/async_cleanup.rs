async fn fetch(pool: &Pool) -> Result<Url, Error> {
    let __backstop_verdict0 = ::backstop::__private::judge::<Result<Url, Error>>()
        .verdict();
    let __backstop_chain0 = ::backstop::__private::Chain::new();
    for _ in 0..3 {
        let __backstop_flag0 = ::backstop::__private::SharedFlag::new();
        let __backstop_value0 = ::backstop::__private::question_async(
            ::backstop::__private::aw(pool.open(), &__backstop_flag0).await,
            &__backstop_flag0,
        )?;
        #[cfg(panic = "abort")]
        let _: () = ::backstop::__private::cleanup_never_runs_on_a_panic;
        ::backstop::__needs!(async_cleanup);
        let mut __backstop_owner0 = ::backstop::__private::AwaitedOwner::<
            _,
            _,
            _,
            _,
            _,
            15u8,
        >::new(
            __backstop_value0,
            ::core::option::Option::None,
            &__backstop_flag0,
            &__backstop_chain0,
            || &const { ::backstop::__private::Site::new("conn").within(5000000000u64) },
            move |#[allow(unused_mut)] mut conn| async move {
                ::backstop::__private::value(&(async { conn.close().await }).await)
                    .ended()
            },
        );
        let __backstop_way0: ::backstop::__private::Way<_, _> = '__backstop_exit0: {
            let mut conn = __backstop_owner0.handle();
            let _ = &conn;
            if (match ::backstop::__private::branch(
                ::backstop::__private::question_async(conn.is_ready(), &__backstop_flag0),
            ) {
                ::backstop::__private::Found::Value(__backstop_value0) => {
                    __backstop_value0
                }
                ::backstop::__private::Found::Residual(__backstop_value0) => {
                    break '__backstop_exit0 ::backstop::__private::Way::Return(
                        ::backstop::__private::left::<
                            Result<Url, Error>,
                            _,
                        >(__backstop_value0),
                    );
                }
            }) {
                break '__backstop_exit0 ::backstop::__private::Way::Return(
                    ::backstop::__private::leave_async::<
                        Result<Url, Error>,
                        _,
                    >((Ok(conn.url()),), &__backstop_flag0, __backstop_verdict0),
                );
            }
            #[allow(unreachable_code)]
            ::backstop::__private::Way::End({
                let _ = ();
                {
                    ::backstop::__private::mark(&__backstop_flag0);
                    { break '__backstop_exit0 ::backstop::__private::Way::Jump(0usize) }
                }
            })
        };
        #[allow(unreachable_code)]
        let (__backstop_finish0, __backstop_before0) = __backstop_owner0.begin();
        #[allow(unreachable_code)]
        ::backstop::__private::aw(__backstop_finish0, &__backstop_flag0).await;
        #[allow(unreachable_code)]
        ::backstop::__private::restore(&__backstop_flag0, __backstop_before0);
        #[allow(unreachable_code, clippy::needless_continue)]
        match __backstop_way0 {
            ::backstop::__private::Way::End(__backstop_value0) => __backstop_value0,
            ::backstop::__private::Way::Return(__backstop_value0) => {
                return __backstop_value0;
            }
            ::backstop::__private::Way::Jump(0usize) => continue,
            ::backstop::__private::Way::Jump(_) => {
                ::backstop::__private::unreachable_way()
            }
        }
    }
    Err(Error::Busy)
}
