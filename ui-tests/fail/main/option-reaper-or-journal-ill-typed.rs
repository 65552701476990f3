mod reaper {
    #[backstop::main(reaper = true)]
    pub fn main() {}
}

mod reaper_list {
    #[backstop::main(reaper("on"))]
    pub fn main() {}
}

mod journal {
    #[backstop::main(journal = )]
    pub fn main() {}
}

mod journal_empty {
    #[backstop::main(journal = "")]
    pub fn main() {}
}

mod journal_of_another_type {
    #[backstop::main(journal = PATH)]
    pub fn main() {}
}

mod krate {
    #[backstop::main(crate = "backstop")]
    pub fn main() {}
}

fn main() {
    reaper::main();
    reaper_list::main();
    journal::main();
    journal_empty::main();
    journal_of_another_type::main();
    krate::main();
}
