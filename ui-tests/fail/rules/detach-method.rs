use backstop::scoped_spawn;

struct Tasks;

impl Tasks {
    fn detach_all(&mut self) {}

    fn join_all(&mut self) {}
}

#[scoped_spawn]
fn refused(tasks: &mut Tasks) {
    tasks.detach_all();
}

fn main() {
    refused(&mut Tasks);
}
