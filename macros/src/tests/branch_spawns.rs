async fn serve(listener: Listener) -> Result<(), Error> {
    ::backstop::__needs!(tasks);
    let __backstop_options0 = ::backstop::scope::Options::new();
    __backstop_options0
        .tokio(move |__backstop_scope0| async move {
            let __backstop_scope0 = &__backstop_scope0;
            let _ = __backstop_scope0;
            if let ::core::option::Option::Some(__backstop_typed0) = ::backstop::__private::no_value::<
                Result<(), Error>,
            >() {
                return __backstop_typed0;
            }
            tokio::select! {
                biased; socket = listener.accept(), if ready() => { ({
                #[allow(unused_imports)] use tokio::spawn as _; & * __backstop_scope0 })
                .spawn(handle(socket ?)); } else => return Ok(()),
            }
            Ok(())
        })
        .await
}
