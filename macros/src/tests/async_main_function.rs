fn main() -> ::std::process::ExitCode {
    async fn main() {
        serve().await
    }
    ::backstop::__needs!(async_main);
    ::backstop::__needs_process!(
        "#[backstop::main]" => ::backstop::__private::main_async
    )(
        10000u64,
        false,
        ::core::option::Option::None,
        ::core::option::Option::Some(2usize),
        main,
    )
}
