use backstop::must_cleanup;

#[must_cleanup]
fn later(early: bool) {
    #[cleanup(drop(name))]
    let name;
    if early {
        name = String::from("early");
    } else {
        name = String::from("late");
    }

    #[cleanup(drop(typed))]
    let typed: String;
    typed = name;
    println!("{typed}");
}

fn main() {
    later(true);
}
