//! A `main` that starts a runtime by itself is its own, also in the words of tokio's attribute.
#![deny(warnings)]

mod by_a_macro {
    macro_rules! makes_main {
        ($body:expr) => {
            #[backstop::main]
            pub fn main() {
                let body = $body;
                let mut builder = tokio::runtime::Builder::new_current_thread();
                builder.build().expect("Failed building the Runtime").block_on(body);
            }
        };
    }

    makes_main!(async {});
}

#[backstop::main]
fn main() {
    let body = async { 7 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    assert_eq!(runtime.expect("Failed building the Runtime").block_on(body), 7);
    by_a_macro::main();
}
