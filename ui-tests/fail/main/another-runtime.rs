use std::process::ExitCode;

mod below {
    #[backstop::main]
    #[tokio::main]
    async fn main() {
        let _still_checked: u8 = "a type error";
    }
}

mod above {
    #[tokio::main(flavor = "current_thread")]
    #[backstop::main(grace = "1s")]
    async fn main() -> std::io::Result<()> {
        std::future::ready(Ok(())).await
    }
}

mod above_and_empty {
    #[tokio::main]
    #[backstop::main]
    async fn main() {}
}

mod above_under_another_name {
    use tokio::main as start;

    #[start]
    #[backstop::must_cleanup]
    #[backstop::main]
    async fn main() {}
}

mod others {
    mod actix {
        #[backstop::main]
        #[actix_web::main]
        async fn main() {}
    }

    mod tests {
        #[backstop::main]
        #[::tokio::test]
        async fn main() {}
    }
}

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
