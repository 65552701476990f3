fn sum(parts: &[u32]) -> u32 {
    ::backstop::scope::Options::new()
        .limit(8)
        .on_failure(::backstop::scope::OnFailure::Wait)
        .run(|__backstop_scope0| -> u32 {
            let handles: Vec<::backstop::scope::ScopedJoinHandle<'_, u32>> = vec![
                ::backstop::__private::in_place_of(thread::spawn:: < fn (), () >, & *
                __backstop_scope0).spawn(| | total(parts))
            ];
            __backstop_scope0
                .spawn_from(
                    thread::Builder::new(),
                    {
                        let __backstop_scope1 = ::core::clone::Clone::clone(
                            &*__backstop_scope0,
                        );
                        move || {
                            let __backstop_scope1 = __backstop_scope1;
                            let __backstop_scope1 = &__backstop_scope1;
                            {
                                ::backstop::__private::in_place_of(
                                        thread::spawn::<fn(), ()>,
                                        &*__backstop_scope1,
                                    )
                                    .spawn(report);
                            }
                        }
                    },
                );
            join(handles)
        })
}
