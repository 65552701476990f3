use backstop::must_cleanup;
use std::io::{self, Write};

#[must_cleanup]
fn leaves(mut file: impl Write) -> io::Result<()> {
    #[cleanup(a.flush()?)]
    let mut a = &mut file;
    a.write_all(b"x")?;

    #[cleanup(return Ok(()))]
    let b = 1;

    #[cleanup({ println!("{c}"); return; })]
    let c = 2;

    for _ in 0..*b {
        #[cleanup(break)]
        let d = 3;

        #[cleanup(if d > 2 { continue })]
        let e = 4;
        println!("{e}");
    }

    #[cleanup(std::future::ready(f).await)]
    let f = 5;

    #[cleanup({ let flushed = io::stdout().flush()?; flushed })]
    println!("{c} {f}");

    Ok(())
}

fn main() {
    let _ = leaves(io::stdout());
}
