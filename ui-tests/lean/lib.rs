//! Programs that depend on `backstop` without its features: see `fail/`.
