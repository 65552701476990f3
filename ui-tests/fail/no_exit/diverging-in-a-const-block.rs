use backstop::no_exit;

const fn die() -> ! {
    panic!("unwinds nowhere: it ends the compilation")
}

#[no_exit]
fn in_a_const_block() -> u8 {
    if false {
        return const { die() };
    }
    1
}

#[no_exit]
fn called_at_run_time() -> u8 {
    die()
}

fn main() {
    in_a_const_block();
    called_at_run_time();
}
