fn main() {
    let add = #[backstop::no_exit]
    |a: u32| a + 1;
    assert_eq!(add(1), 2);
}
