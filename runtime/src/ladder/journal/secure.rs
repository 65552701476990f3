//! Whether this program has more rights than its caller.
#![allow(unsafe_code, reason = "getauxval has no safe form for this entry")]

/// Set-user-id, set-group-id or with capabilities of its file, so that the caller's files and
/// environment are not to be trusted.
pub(super) fn has_more_rights_than_its_caller() -> bool {
    // SAFETY: `getauxval` reads what the kernel laid out before the program began; it has no
    // precondition, and an unknown entry reads as 0.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
