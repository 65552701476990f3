//! See the folder's tests.
