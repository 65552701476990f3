use backstop::must_cleanup;

struct Pair {
    left: String,
    right: String,
}

#[must_cleanup]
fn patterns(pair: Pair, option: Option<String>) {
    #[cleanup(drop((a, b)))]
    let (a, b) = (String::new(), String::new());

    #[cleanup(drop(left))]
    let Pair { left, right } = pair;

    #[cleanup(())]
    let _ = String::new();

    #[cleanup(drop(c))]
    let ref c = String::new();

    #[cleanup(drop(d))]
    let d @ _ = String::new();

    #[cleanup(drop(e))]
    let Some(e) = option else { return };

    #[cleanup(())]
    let [f, ..]: [u8; 3] = [1, 2, 3];

    #[cleanup(())]
    let _: u8 = 3;

    println!("{a}{b}{left}{right}{c}{d}{e}{f}");
}

fn main() {
    patterns(Pair { left: String::new(), right: String::new() }, None);
}
