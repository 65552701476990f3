use backstop::defer;

fn main() {
    defer! { 5 }
    defer! { return Ok::<(), ()>(()) }
}
