mod grace1 {
    #[backstop::main(grace)]
    pub fn main() {}
}

mod grace2 {
    #[backstop::main(grace = )]
    pub fn main() {}
}

mod grace3 {
    #[backstop::main(grace = 10)]
    pub fn main() {}
}

mod grace4 {
    #[backstop::main(grace = "10")]
    pub fn main() {}
}

mod grace5 {
    #[backstop::main(grace = "10 s")]
    pub fn main() {}
}

mod grace6 {
    #[backstop::main(grace = "1.5s")]
    pub fn main() {}
}

mod grace7 {
    #[backstop::main(grace = "-1s")]
    pub fn main() {}
}

mod grace8 {
    #[backstop::main(grace = "1h")]
    pub fn main() {}
}

mod grace9 {
    #[backstop::main(grace = "99999999999999999999s")]
    pub fn main() {}
}

mod grace10 {
    #[backstop::main(grace("10s"))]
    pub fn main() {}
}

mod grace11 {
    #[backstop::main(grace = DEFAULT)]
    pub fn main() {}
}

fn main() {
    grace1::main();
    grace2::main();
    grace3::main();
    grace4::main();
    grace5::main();
    grace6::main();
    grace7::main();
    grace8::main();
    grace9::main();
    grace10::main();
    grace11::main();
}
