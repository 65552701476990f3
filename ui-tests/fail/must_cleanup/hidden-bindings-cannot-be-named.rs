use backstop::must_cleanup;

#[must_cleanup]
fn names() -> Option<u32> {
    #[cleanup(println!("closed"))]
    let session = 1;
    std::hint::black_box((&flag0, &value0));
    std::mem::drop(owner0);
    let _ = &mut slot0;

    #[cleanup(println!("announced"))]
    println!("announce");
    let _ = (armed1, verdict, unused1, result, before0);
    Some(*session)
}

fn main() {
    names();
}
