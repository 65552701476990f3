#![deny(warnings)]

use backstop::scoped_spawn;

struct Tasks;

impl Tasks {
    fn detach_all(&mut self) {}

    fn join_all(&mut self) {}
}

#[scoped_spawn]
fn accepted(tasks: &mut Tasks) {
    tasks.join_all();
}

#[scoped_spawn]
fn allowed(tasks: &mut Tasks) {
    #[allow_skip(detach_method, reason = "they end by themselves")]
    tasks.detach_all();
}

fn main() {
    let _ = accepted(&mut Tasks);
    let _ = allowed as fn(&mut Tasks);
}
