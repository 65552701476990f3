use backstop::{must_cleanup, no_exit, scoped_spawn};

#[no_exit]
const fn one() -> u32 {
    1
}

#[must_cleanup]
pub const fn two() -> u32 {
    2
}

#[scoped_spawn]
const unsafe fn three() -> u32 {
    3
}

struct Table;

impl Table {
    #[no_exit]
    pub(crate) const fn size(&self) -> u32 {
        4
    }
}

const ALL: u32 = one() + two() + unsafe { three() } + Table.size();

fn main() {
    assert_eq!(ALL, 10);
}
