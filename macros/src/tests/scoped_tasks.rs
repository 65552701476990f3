async fn sum(parts: Vec<Part>) -> Result<u32, Error> {
    ::backstop::__needs!(tasks);
    let __backstop_options0 = ::backstop::scope::Options::new()
        .limit(8)
        .name("sum")
        .timeout(::core::time::Duration::from_nanos(5000000000u64));
    __backstop_options0
        .tokio_until_deadline(
            ::backstop::__private::by_deadline::<Result<u32, Error>>(),
            move |__backstop_scope0| async move {
                let __backstop_scope0 = &__backstop_scope0;
                let _ = __backstop_scope0;
                if let ::core::option::Option::Some(__backstop_typed0) = ::backstop::__private::no_value::<
                    Result<u32, Error>,
                >() {
                    return __backstop_typed0;
                }
                let first: ::backstop::scope::TaskHandle<u32> = ({
                    #[allow(unused_imports)]
                    use tokio::spawn as _;
                    &*__backstop_scope0
                })
                    .spawn(total(parts));
                ({
                    #[allow(unused_imports)]
                    use tokio::spawn as _;
                    &*__backstop_scope0
                })
                    .spawn({
                        let __backstop_scope1 = ::core::clone::Clone::clone(
                            &*__backstop_scope0,
                        );
                        async move {
                            let __backstop_scope1 = __backstop_scope1;
                            let __backstop_scope1 = &__backstop_scope1;
                            (async {
                                ({
                                    #[allow(unused_imports)]
                                    use task::spawn_blocking as _;
                                    &*__backstop_scope1
                                })
                                    .spawn_blocking(|| report());
                            })
                                .await
                        }
                    });
                ({
                    #[allow(unused_imports)]
                    use task as _;
                    &*__backstop_scope0
                })
                    .builder()
                    .name("log")
                    .spawn(log())?;
                Ok(first.await?)
            },
        )
        .await
}
