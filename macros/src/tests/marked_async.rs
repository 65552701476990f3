async fn fetch(from: &Host) -> Result<impl Read, Error> {
    ::backstop::__private::root::<
        _,
        Result<_, Error>,
        _,
    >(
            {
                const TEXT: &::core::primitive::str = ::core::concat!(
                    "backstop-mark 1\n", "no_exit", "\n", "", "\n", "async", "\n",
                    "fetch", "\n", ::core::module_path!(), "\n", ::core::file!(), "\n",
                    ::core::line!(), "\n", ::core::column!(), "\n"
                );
                #[used]
                static __BACKSTOP_MARK: [::core::primitive::u8; TEXT.len()] = match TEXT
                    .as_bytes()
                    .first_chunk()
                {
                    ::core::option::Option::Some(bytes) => *bytes,
                    ::core::option::Option::None => [0; TEXT.len()],
                };
                struct Named;
                impl ::backstop::__private::Mark for Named {
                    const MARK: &'static [::core::primitive::u8] = &__BACKSTOP_MARK;
                }
                Named
            },
            async move {
                Ok(
                    ::backstop::__private::CheckedCall(
                            from.get()?.body(),
                            #[deny(
                                unreachable_code,
                                reason = ".."
                            )]
                            (),
                        )
                        .value(),
                )
            },
        )
        .await
}
