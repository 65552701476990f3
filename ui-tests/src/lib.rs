//! What the attributes refuse, word by word, and what they must leave alone: see `tests/`.
//!
//! `fail/FOLDER/*.rs` must be refused with exactly the neighbouring `.stderr`; `pass/FOLDER/*.rs`
//! must compile and run; `open/` holds the programs of defects that are not mended yet. Each file
//! is a program named after the defect, or the look-alike, that it shows. After a change of words:
//! `TRYBUILD=overwrite cargo test -p backstop-ui-tests --test ui`, then read the diff as a user
//! would.
