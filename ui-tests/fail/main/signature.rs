mod parameters {
    #[backstop::main]
    pub fn main(arguments: Vec<String>, more: u8) {
        let _ = (arguments, more);
    }
}

mod generics {
    #[backstop::main]
    pub fn main<'a, T: Default + 'a>()
    where
        T: Clone,
    {
    }
}

mod keywords {
    #[backstop::main]
    pub const unsafe extern "C" fn main() {}
}

fn main() {
    parameters::main();
    generics::main();
    keywords::main();
}
