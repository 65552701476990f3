//! The page of `--format html`: whole in itself, and alive in a browser where there is one.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use support::{Project, main_that, stderr};

fn page() -> String {
    let project = Project::new(&[("src/main.rs", &main_that(true))]);
    let output = project.verify(&["--format", "html"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// What stands between two texts, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> BTreeSet<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

/// Each element that is opened is closed, in order.
fn assert_closed(page: &str) {
    const ALONE: [&str; 4] = ["!doctype", "input", "meta", "br"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        rest = after;
        let name = tag.split_whitespace().next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "before {after:.60}");
        } else if !ALONE.contains(&name) {
            open.push(name);
        }
        if matches!(name, "style" | "script") {
            let end = rest.find(&format!("</{name}>")).expect("it ends");
            rest = &rest[end..];
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn every_element_is_closed_and_the_script_finds_what_it_looks_for() {
    let page = page();
    assert_closed(&page);
    let ids = between(&page, " id=\"", "\"");
    let wanted = between(&page, "getElementById(\"", "\"");
    assert!(!wanted.is_empty() && wanted.is_subset(&ids), "{wanted:?} among {ids:?}");
    // A box for each verdict that there is.
    let boxes = between(&page, "checked value=\"", "\"");
    assert_eq!(boxes, between(&page, "data-verdict=\"", "\""));
    assert_eq!(boxes, BTreeSet::from(["violated"]));
    for target in between(&page, "href=\"#", "\"") {
        assert!(ids.contains(target), "{target}");
    }
}

/// Does what a reader does, and writes down what there is to see.
const READER: &str = r#"<script>
const seen = [];
const hidden = () => [...document.querySelectorAll(".function")].map((one) => one.hidden).join();
const type = (text) => { search.value = text; search.dispatchEvent(new Event("input")); };
seen.push("all " + hidden());
type("no such function"); seen.push("other " + hidden());
type("SAMPLE::root"); seen.push("found " + hidden());
boxes[0].click(); seen.push("unchecked " + hidden());
boxes[0].click(); seen.push("checked " + hidden());
const way = document.querySelector(".way");
const height = way.getBoundingClientRect().height;
seen.push("way " + (height > 0 && way.children.length > 1));
const ground = () => getComputedStyle(document.body).backgroundColor;
const theme = document.getElementById("theme");
const first = ground(); theme.click(); const second = ground(); theme.click();
seen.push("theme " + (first !== second && first === ground()));
document.title = seen.join("; ");
</script>
"#;

fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    names.into_iter().find(|name| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// The page as the browser leaves it.
fn shown(browser: &str, file: &Path, profile: &Path) -> String {
    let child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the browser runs");
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(child.wait_with_output()));
    let output = receive.recv_timeout(Duration::from_secs(300)).expect("the browser ends");
    let output = output.expect("its output");
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn search_boxes_and_themes_work_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("SKIPPED: there is no Chromium here to open the page in");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("page.html");
    let page = page().replace("</html>", &format!("{READER}</html>"));
    std::fs::write(&file, page).expect("a file is written");
    let shown = shown(browser, &file, &folder.path().join("profile"));
    let title = between(&shown, "<title>", "</title>");
    assert_eq!(
        title.into_iter().next(),
        Some(
            "all false; other true; found false; unchecked true; checked false; way true; theme true"
        ),
        "{shown:.2000}"
    );
}
