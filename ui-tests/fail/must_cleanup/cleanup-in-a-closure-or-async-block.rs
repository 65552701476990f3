use backstop::must_cleanup;

#[must_cleanup]
fn inside(count: u32) -> u32 {
    let add = |x: u32| {
        #[cleanup(println!("closure"))]
        let y = x;
        *y + 1
    };
    let later = async {
        #[cleanup(println!("async"))]
        let y = 2;
        *y
    };
    drop(later);
    let constant = const {
        #[cleanup(println!("const"))]
        let y = 3;
        y
    };
    let nested = || {
        if count > 0 {
            #[cleanup(println!("deeper"))]
            println!("statement");
        }
    };
    nested();
    let _ = constant;
    add(count)
}

fn main() {
    inside(1);
}
