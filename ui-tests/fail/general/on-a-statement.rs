fn main() {
    #[backstop::no_exit]
    let one = 1;

    #[backstop::must_cleanup]
    println!("{one}");

    #[backstop::scoped_spawn]
    {
        println!("{one}");
    }
}
