use backstop::scoped_spawn;

#[scoped_spawn(deadline = "5s")]
async fn nothing() {}

#[scoped_spawn(deadline = "5s")]
async fn no_result() -> u32 {
    1
}

#[scoped_spawn(deadline = "5s")]
async fn an_error_of_another_kind() -> Result<(), String> {
    Ok(())
}

#[scoped_spawn(deadline = "5s", local)]
async fn local_children() -> Result<(), String> {
    Ok(())
}

fn main() {
    drop((nothing(), no_result(), an_error_of_another_kind(), local_children()));
}
