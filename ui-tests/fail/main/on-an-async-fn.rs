use std::future::ready;

#[backstop::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    ready(()).await;
    let _still_checked: u8 = "a type error";
    Ok(())
}

mod unknown_flavor {
    #[backstop::main(flavor = "local", worker_threads = 0)]
    async fn main() {}
}

mod threads_of_the_current_thread {
    #[backstop::main(worker_threads = 2, flavor = "current_thread")]
    async fn main() {}
}

mod ill_typed {
    #[backstop::main(worker_threads = "2", flavor = current_thread)]
    async fn main() {}
}

mod not_async {
    #[backstop::main(worker_threads = 2)]
    fn main() {}
}

mod no_termination {
    #[backstop::main]
    async fn main() -> u32 {
        0
    }
}
