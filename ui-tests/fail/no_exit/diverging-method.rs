use backstop::no_exit;

struct Server;

impl Server {
    fn stop(&self) -> ! {
        std::process::exit(1)
    }

    fn consumed(self) -> ! {
        std::process::abort()
    }

    fn associated() -> ! {
        std::process::abort()
    }
}

trait Fatal {
    fn fatal(&self) -> !;

    fn fatal_by_default(&self) -> ! {
        std::process::exit(2)
    }
}

impl Fatal for Server {
    fn fatal(&self) -> ! {
        std::process::exit(3)
    }
}

#[no_exit]
fn inherent(server: &Server) {
    server.stop();
}

#[no_exit]
fn by_value(server: Server) -> u8 {
    server.consumed()
}

#[no_exit]
fn associated() {
    Server::associated();
}

#[no_exit]
fn trait_method(server: &Server) {
    server.fatal()
}

#[no_exit]
fn default_method(server: &Server) {
    server.fatal_by_default();
}

#[no_exit]
fn qualified(server: &Server) {
    <Server as Fatal>::fatal(server);
}

#[no_exit]
fn through_the_trait(server: &Server) -> u8 {
    Fatal::fatal_by_default(server)
}

#[no_exit]
fn dynamic(server: &dyn Fatal) {
    server.fatal();
}

#[no_exit]
fn generic<T: Fatal>(server: &T) {
    server.fatal_by_default();
}

#[no_exit]
fn chained(servers: &[Server]) -> u8 {
    servers.first().unwrap().stop()
}

impl Server {
    #[no_exit]
    fn on_self(&self) {
        self.stop();
    }

    #[no_exit]
    fn on_self_by_path(&self) -> u8 {
        Self::associated()
    }
}

fn main() {
    inherent(&Server);
    by_value(Server);
    associated();
    trait_method(&Server);
    default_method(&Server);
    qualified(&Server);
    through_the_trait(&Server);
    dynamic(&Server);
    generic(&Server);
    chained(&[]);
    Server.on_self();
    Server.on_self_by_path();
}
