async fn sum(parts: &[Part]) -> Result<u32, Error> {
    ::backstop::__needs!(tasks);
    let __backstop_scope0 = ::backstop::scope::Options::new()
        .timeout(::core::time::Duration::from_nanos(5000000000u64))
        .local_any();
    let __backstop_value0 = __backstop_scope0
        .run_until_deadline(
            ::backstop::__private::by_deadline::<Result<u32, Error>>(),
            async {
                let __backstop_scope0 = &__backstop_scope0;
                let _ = __backstop_scope0;
                if let ::core::option::Option::Some(__backstop_typed0) = ::backstop::__private::no_value::<
                    Result<u32, Error>,
                >() {
                    return __backstop_typed0;
                }
                let first: JoinHandle<u32> = ({
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
                        async {
                            let __backstop_scope1 = __backstop_scope1;
                            let __backstop_scope1 = &__backstop_scope1;
                            ({
                                #[allow(unused_imports)]
                                use task::spawn_local as _;
                                &*__backstop_scope1
                            })
                                .spawn(report(parts));
                        }
                    });
                Ok(first.await?)
            },
        )
        .await;
    __backstop_value0
}
