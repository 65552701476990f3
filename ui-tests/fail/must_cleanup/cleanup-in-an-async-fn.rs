use backstop::must_cleanup;

#[must_cleanup]
async fn with_a_let() -> u32 {
    #[cleanup(println!("x"))]
    let x = 1;
    *x
}

#[must_cleanup]
pub async fn with_defer() {
    backstop::defer! { println!("x") }
}

struct Server;

#[must_cleanup]
impl Server {
    async fn serve(&self) {
        #[cleanup(println!("x"))]
        println!("serve");
    }

    async fn without(&self) {}
}

fn main() {
    drop((with_a_let(), with_defer(), Server.serve(), Server.without()));
}
