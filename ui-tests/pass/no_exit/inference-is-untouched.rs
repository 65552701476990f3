//! Asking calls whether they return changes no type, borrow, promotion or drop order.

#![deny(warnings)]

use backstop::no_exit;
use std::collections::HashMap;

fn boxed() -> Box<dyn Fn(u8) -> u8> {
    Box::new(|x| x)
}

#[no_exit]
fn expected_types() -> (Vec<u8>, u64, HashMap<String, u8>) {
    let parsed: u64 = "3".parse().unwrap_or_default();
    let collected: Vec<_> = [1u8, 2].iter().map(|x| x.wrapping_add(1)).collect();
    (collected, parsed.into(), HashMap::default())
}

#[no_exit]
fn coercions(text: &String) -> &dyn std::fmt::Debug {
    let slice: &str = text.as_ref();
    let deref: &str = &text.clone();
    let unsized_: Box<dyn Fn() -> usize> = Box::new(|| 1);
    assert!(slice.len() + unsized_() > deref.len());
    text
}

#[no_exit]
fn temporaries(lines: &std::cell::RefCell<Vec<String>>) -> usize {
    match lines.borrow().first() {
        Some(line) => line.len(),
        None => lines.borrow().len(),
    }
}

#[no_exit]
fn extended() -> usize {
    let name = &String::from("extended");
    let pair = (&String::from("one"), &mut Vec::<u8>::with_capacity(1));
    pair.1.push(1);
    name.len() + pair.0.len() + pair.1.len()
}

#[no_exit]
fn places(values: &mut Vec<Option<String>>) -> Option<String> {
    values.first_mut()?.as_mut()?.push('x');
    *values.last_mut()? = Some(String::new());
    let taken = values[0].take();
    (values[0], _) = (None, 1);
    values.iter_mut().for_each(|value| *value = None);
    taken
}

#[no_exit]
fn closures<'a>(names: &'a [String]) -> impl Iterator<Item = &'a str> + use<'a> {
    let add = boxed();
    let longer = move |name: &&String| name.len() > usize::from(add(1));
    names.iter().filter(longer).map(String::as_str)
}

#[no_exit]
fn operators(x: i32) -> bool {
    let negative = -x.abs();
    let not = !x.is_positive();
    !(negative < x) && not || *Box::new(true) && -i32::from(not) == x
}

#[no_exit]
fn macros(x: Option<u8>) -> Vec<String> {
    assert!(x.is_some(), "{:?} {}", x.as_ref(), String::from("x"));
    assert!(matches!(x, Some(y) if u8::from(y) > 0));
    let mut list =
        vec![format!("{:?} {x:?} {y}", x.unwrap_or_default(), y = u8::MAX.leading_ones())];
    list.extend(vec![String::new(); usize::from(true)]);
    list
}

#[no_exit]
async fn futures() -> Result<u8, String> {
    let x = std::future::ready(Ok::<u8, String>(1)).await?;
    std::future::ready(()).await;
    Ok(async { std::future::ready(x).await }.await)
}

const LIMIT: fn() -> u8 = || 3;

#[no_exit]
fn constructors_and_constants() -> Option<(Wrapped, u8)> {
    struct Local(u8);
    let Local(x) = Local(1);
    Some((Wrapped(x), LIMIT()))
}

#[derive(Debug, PartialEq)]
struct Wrapped(u8);

fn main() {
    assert_eq!(expected_types().0, [2, 3]);
    coercions(&String::from("x"));
    assert_eq!(temporaries(&std::cell::RefCell::new(vec![])), 0);
    assert_eq!(extended(), 12);
    assert_eq!(places(&mut vec![Some(String::new())]), Some(String::new()));
    assert_eq!(closures(&[String::from("ab")]).count(), 1);
    assert!(!operators(1));
    assert_eq!(macros(Some(1)).len(), 2);
    drop(futures());
    assert_eq!(constructors_and_constants(), Some((Wrapped(1), 3)));
}
