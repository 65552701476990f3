use backstop::no_exit;

#[no_exit(allow)]
fn no_list() {}

#[no_exit(allow = process_exit)]
fn equals() {}

#[no_exit(allow())]
fn nothing() {}

#[no_exit(allow(reason = "no rule is named"))]
fn no_rule() {}

#[no_exit(allow("process_exit", reason = "a string"))]
fn string() {}

#[no_exit(allow(std::process::exit, reason = "a path"))]
fn path() {}

#[no_exit(allow(process_exit, reason))]
fn reason_without_a_value() {}

#[no_exit(allow(process_exit, reason = because))]
fn reason_of_another_type() {}

#[no_exit(allow(process_exit, reason = "one", reason = "two"))]
fn two_reasons() {}

#[no_exit(allow(process_exit, process_exit, reason = "twice"))]
fn named_twice() {}

#[no_exit(allow(process_exit, until = "2030", reason = "an unknown key"))]
fn unknown_key() {}

#[no_exit(allow(process_exit; reason = "a semicolon"))]
fn semicolon() {}

#[no_exit]
fn on_statements() {
    #[allow_skip]
    println!("nothing");

    #[allow_skip()]
    println!("empty");

    #[allow_skip = "process_exit"]
    println!("equals");

    #[allow_skip(reason = "no rule is named")]
    println!("no rule");
}

fn main() {
    no_list();
    equals();
    nothing();
    no_rule();
    string();
    path();
    reason_without_a_value();
    reason_of_another_type();
    two_reasons();
    named_twice();
    unknown_key();
    semicolon();
    on_statements();
}
