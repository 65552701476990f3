use backstop::{must_cleanup, no_exit};

struct Server;

#[no_exit(verbose)]
impl Server {
    fn one(&self) {
        std::process::exit(1);
    }

    #[no_exit]
    #[no_exit]
    fn two(&self) {
        std::process::abort();
    }

    #[must_cleanup]
    fn three(&self) {
        #[cleanup()]
        let x = 1;
        println!("{x}");
    }
}

fn main() {
    Server.one();
    Server.two();
    Server.three();
}
