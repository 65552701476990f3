fn lock(dir: &Path) -> Result<(), Error> {
    let __backstop_verdict0 = ::backstop::__private::judge::<Result<(), Error>>()
        .verdict();
    let __backstop_flag0 = ::backstop::__private::Flag::new();
    let __backstop_announced0 = ::backstop::__private::announce_exit();
    let path = ::backstop::__private::question(&__backstop_flag0, create(dir))?;
    let __backstop_entry0 = {
        ::backstop::__needs!(kill);
        ::backstop::__private::survive_kill(
            __backstop_announced0,
            &const { ::backstop::__private::Site::new("path") },
            true,
            (
                Action::remove_file(&path),
                #[deny(
                    unreachable_code,
                    reason = ".."
                )]
                (),
            )
                .0,
        )
    };
    let mut __backstop_slot0 = ::backstop::__private::Slot::new();
    let mut __backstop_owner0 = ::backstop::__private::Owner::<
        _,
        _,
        _,
        15u8,
    >::new(
        &mut __backstop_slot0,
        path,
        &__backstop_flag0,
        &const { ::backstop::__private::Site::new("path") },
        |__backstop_unused0| { __backstop_entry0.run(__backstop_unused0) },
    );
    let path = __backstop_owner0.handle();
    let _ = &path;
    let __backstop_armed1 = ::backstop::__private::Armed::new();
    let __backstop_entry1 = {
        ::backstop::__needs!(exit);
        ::backstop::__private::survive_exit(
            ::backstop::__private::announce_exit(),
            &const { ::backstop::__private::Site::new("move || log()") },
            false,
            move || {
                ::backstop::__private::CheckedCall(
                        log(),
                        #[deny(
                            unreachable_code,
                            reason = ".."
                        )]
                        (),
                    )
                    .value()
            },
        )
    };
    let __backstop_making1 = __backstop_entry1.making();
    let mut __backstop_slot1 = ::backstop::__private::Slot::new();
    let __backstop_owner1 = ::backstop::__private::Owner::<
        _,
        _,
        _,
        15u8,
    >::new(
        &mut __backstop_slot1,
        (),
        &__backstop_flag0,
        &const { ::backstop::__private::Site::new("move || log()") },
        |__backstop_unused1| {
            if __backstop_armed1.get() {
                __backstop_entry1.run(__backstop_unused1)
            } else {
                ::backstop::__private::Ended::WELL
            }
        },
    );
    let __backstop_created1 = __backstop_making1.created(&__backstop_flag0);
    ::backstop::__private::question_disarming(
        &__backstop_flag0,
        [&__backstop_armed1],
        announce(),
    )?;
    #[allow(unreachable_code)] __backstop_created1.commit();
    ::backstop::__private::leave(&__backstop_flag0, __backstop_verdict0, Ok(()))
}
