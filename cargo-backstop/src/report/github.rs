//! Workflow commands of GitHub Actions: annotations on the changed lines of a pull request.

use std::fmt::Write as _;
use std::io::Write as _;

use super::problem::{Level, Problem};

/// Prints the problems.
pub fn print(problems: &[Problem]) {
    let mut out = std::io::stdout().lock();
    for problem in problems {
        let written = writeln!(out, "{}", command(problem));
        // A reader that went away has read enough.
        drop(written);
    }
}

fn command(problem: &Problem) -> String {
    let word = match problem.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let mut text = problem.message.clone();
    for (number, step) in (1..).zip(&problem.steps) {
        let _ = write!(text, "\n{number}. {}", step.text);
        if let Some((file, line, column)) = &step.place {
            let _ = write!(text, " at {file}:{line}:{column}");
        }
    }
    let _ = write!(text, "\nhelp: {}", problem.help);
    format!(
        "::{word} file={},line={},col={},title={}::{}",
        property(&problem.file),
        problem.line,
        problem.column,
        property(&format!("backstop: {}", problem.rule)),
        data(&text)
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_the_command_is_written_otherwise() {
        let problem = Problem {
            level: Level::Error,
            rule: "process_exit".to_owned(),
            message: "100 % wrong".to_owned(),
            help: "do not".to_owned(),
            file: "src/a,b.rs".to_owned(),
            line: 3,
            column: 4,
            steps: Vec::new(),
        };
        assert_eq!(
            command(&problem),
            "::error file=src/a%2Cb.rs,line=3,col=4,title=backstop%3A process_exit::100 %25 \
             wrong%0Ahelp: do not"
        );
    }
}
