use backstop::no_exit;

async fn die_later() -> ! {
    std::process::exit(1)
}

struct Server;

impl Server {
    async fn serve_for_ever(&self) -> std::convert::Infallible {
        std::process::exit(1)
    }
}

#[no_exit]
async fn statement() {
    die_later().await;
}

#[no_exit]
async fn value() -> u8 {
    die_later().await
}

#[no_exit]
async fn initialiser() {
    let _never = Server.serve_for_ever().await;
}

#[no_exit]
fn in_a_block() {
    drop(async { die_later().await });
}

fn main() {
    drop((statement(), value(), initialiser()));
    in_a_block();
}
