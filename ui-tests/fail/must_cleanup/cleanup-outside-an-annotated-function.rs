fn not_annotated() {
    #[cleanup(drop(name))]
    let name = String::new();
    println!("{name}");
}

fn main() {
    not_annotated();
}
