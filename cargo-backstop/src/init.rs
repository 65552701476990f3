//! `cargo backstop init`: a commented policy file, and how to run it all in CI.

use std::io;
use std::path::{Path, PathBuf};

use crate::policy::file;

/// The policy file that `init` writes: it changes nothing until something in it is uncommented.
pub const POLICY: &str = r#"# What `cargo backstop verify` may assume. Every key here is optional.

# Assumptions that are made unless they are named here:
# `panic`, `alloc_error`, `refcount_abort`, `std_runtime`, `command_child`, `rustix_calls`,
# `scope_spawn`, `own_threads`, `tokio_threads`, `own_handler`, `tokio_abort`, `hardening`.
# not-assumed = ["refcount_abort"]

# A function that a pointer could hold, and never does where an annotated function calls through it.
# [[assume]]
# poison = "app::cli::quit"
# reason = "registered for the signal that ends the program"

# A call that is never made.
# [[assume]]
# edge = ["app::serve", "app::cli::quit"]
# reason = "only when the configuration was wrong, which `main` has checked"
"#;

/// What to put into a workflow.
pub const CI: &str = "\
# .github/workflows/backstop.yml
on: [push, pull_request]
jobs:
  backstop:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      # It is not published yet: this expects a copy of backstop's repository at `backstop`.
      - run: cargo install --locked --path backstop/cargo-backstop
      - run: cargo backstop verify --release --format github
";

/// Writes the policy file into a folder.
///
/// # Errors
///
/// Where there is one already, or it cannot be written.
pub fn init(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join(file::NAME);
    let mut new = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    io::Write::write_all(&mut new, POLICY.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_nothing_until_it_is_uncommented_and_is_right_then() {
        let path = Path::new("backstop.toml");
        assert!(file::read(path, POLICY).expect("right").known.is_empty());
        let is_code = |line: &&str| line.contains(" = ") || line.contains("[[");
        let lines: Vec<&str> = POLICY.lines().filter(is_code).collect();
        let all = lines.join("\n").replace("# ", "");
        let policy = file::read(path, &all).expect("right");
        assert_eq!((policy.known.len(), policy.not_assumed.len()), (2, 1));
    }

    #[test]
    fn what_ci_installs_is_this_package() {
        let (_, path) = CI.split_once(" --path backstop/").expect("a path in the repository");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).file_name().expect("its folder");
        assert_eq!(path.lines().next(), folder.to_str());
    }

    #[test]
    fn a_file_that_is_there_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        init(folder.path()).expect("written");
        assert!(init(folder.path()).is_err());
    }
}
