fn take(_: String) -> usize {
    1
}

fn first(names: &mut Vec<String>) -> &mut String {
    &mut names[0]
}

fn name() -> String {
    String::new()
}

#[backstop::no_exit]
fn moved() -> usize {
    let name = name();
    take(name) + take(name)
}

#[backstop::no_exit]
fn borrowed_twice(names: &mut Vec<String>) {
    let one = first(names);
    let two = first(names);
    one.push_str(two);
}

#[backstop::no_exit]
fn temporary() -> usize {
    let text = name().as_str();
    text.len()
}

#[backstop::no_exit]
fn dangling<'n>() -> &'n str {
    let name = name();
    name.as_str()
}

#[backstop::no_exit]
fn immutable() {
    let names = Vec::new();
    first(&mut names).push('x');
}

#[backstop::no_exit]
fn moved_out(names: &[String]) -> usize {
    take(names[0]) + take(*names.last().unwrap())
}

#[backstop::no_exit]
fn captured() -> impl Fn() -> usize {
    let name = name();
    || name.len()
}

#[backstop::no_exit]
fn short<'a, 'b>(one: &'a str, two: &'b str) -> &'a str {
    one.strip_prefix(two).unwrap_or(two.trim())
}

#[backstop::must_cleanup]
fn must_cleanup(names: &mut Vec<String>) -> usize {
    let one = first(names);
    names.push(name());
    one.len()
}

fn main() {}
