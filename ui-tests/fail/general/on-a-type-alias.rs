#[backstop::no_exit]
type Id = u32;

#[backstop::must_cleanup]
type Name = String;

#[backstop::scoped_spawn]
pub type Names = Vec<Name>;

fn main() {
    let id: Id = 1;
    let names: Names = vec![Name::new()];
    let _ = (id, names);
}
