use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
async fn statement() {
    die();
}

#[no_exit]
async fn tail() -> u8 {
    die()
}

#[no_exit]
async fn awaited_argument() {
    std::future::ready(die()).await;
}

fn main() {
    drop((statement(), tail(), awaited_argument()));
}
