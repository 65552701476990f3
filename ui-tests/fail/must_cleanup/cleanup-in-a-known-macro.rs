//! No guard can be in a macro, and where its syntax is known the message says so.

use std::future::ready;

use backstop::must_cleanup;

#[must_cleanup]
async fn in_a_branch() {
    tokio::select! {
        value = ready(1) => {
            #[cleanup(println!("{name}"))]
            let name = value;
            println!("{}", *name);
        }
    }
}

#[must_cleanup]
fn in_an_argument() {
    println!("{}", {
        #[cleanup(println!("{name}"))]
        let name = 1;
        *name
    });
    assert!({
        #[cleanup(println!("x"))]
        println!("y");
        true
    });
}

#[must_cleanup]
fn in_cfg_attr() -> u8 {
    #[cfg_attr(unix, cleanup(println!("{name}")))]
    let name = 1;
    *name
}

fn main() {
    drop(in_a_branch());
    in_an_argument();
    in_cfg_attr();
}
