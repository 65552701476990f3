//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compile::{self, Selection};
use crate::{audit, explain, init, report, verify};

const AFTER: &str = "\
Exit status: 0 where no annotated function reaches, or may reach, what skips destructors; 1 where one
does (with --strict also where one is not proven); 2 where that could not be found out.";

/// Finds what skips destructors.
#[derive(Debug, Parser)]
#[command(name = "cargo backstop", bin_name = "cargo backstop", version, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows for the linked program that no annotated function can skip destructors.
    Verify(Verify),
    /// Lists every place that skips destructors, in the sources and in the linked programs.
    Audit(Audit),
    /// Explains a rule.
    Explain {
        /// Its name, as messages give it.
        rule: String,
    },
    /// Writes a commented `backstop.toml`, and says how to run it all in CI.
    Init {
        /// The manifest of the workspace.
        #[arg(long, value_name = "PATH")]
        manifest_path: Option<PathBuf>,
    },
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// The ways to sinks, for Graphviz.
    Dot,
    /// One page for a browser.
    Html,
}

#[derive(Clone, Debug, Args)]
struct Verify {
    #[command(flatten)]
    build: Build,
    /// Looks at this linked program, and builds nothing.
    #[arg(long, value_name = "PATH")]
    program: Vec<PathBuf>,
    /// The policy file; without, `backstop.toml` beside the workspace's manifest, or
    /// `[workspace.metadata.backstop]` in it.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Fails also where a function is conditional or not linked.
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Debug, Args)]
struct Audit {
    #[command(flatten)]
    build: Build,
    /// Looks at the sources alone, and builds nothing.
    #[arg(long)]
    sources: bool,
    /// Looks at the sources of the packages that the workspace depends on, too.
    #[arg(long)]
    dependencies: bool,
    /// Tells only what is not in this file, and fails where there is something.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Writes all that is found into this file, for `--baseline`.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value = "human")]
    format: audit::Format,
}

/// What to build, in cargo's own words.
#[derive(Clone, Debug, Args)]
#[allow(clippy::struct_excessive_bools)]
struct Build {
    /// Packages to build; without, the whole workspace.
    #[arg(short, long, value_name = "SPEC")]
    package: Vec<String>,
    /// Programs to build; without any target, all programs and examples.
    #[arg(long, value_name = "NAME")]
    bin: Vec<String>,
    /// All programs.
    #[arg(long)]
    bins: bool,
    /// Examples to build.
    #[arg(long, value_name = "NAME")]
    example: Vec<String>,
    /// All examples.
    #[arg(long)]
    examples: bool,
    /// Integration tests to build.
    #[arg(long, value_name = "NAME")]
    test: Vec<String>,
    /// All tests, unit tests with them.
    #[arg(long)]
    tests: bool,
    /// Everything that can be built.
    #[arg(long)]
    all_targets: bool,
    /// With the profile `release`.
    #[arg(short, long)]
    release: bool,
    /// With this profile.
    #[arg(long, value_name = "NAME", conflicts_with = "release")]
    profile: Option<String>,
    /// Features to activate.
    #[arg(short = 'F', long, value_name = "FEATURES")]
    features: Vec<String>,
    /// All features.
    #[arg(long)]
    all_features: bool,
    /// Not the default features.
    #[arg(long)]
    no_default_features: bool,
    /// The manifest of the workspace.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Only what is wrong.
    #[arg(short, long)]
    quiet: bool,
    /// More: of `verify`, every proven function and how long it took; of `audit`, every place.
    #[arg(short, long)]
    verbose: bool,
}

impl Build {
    fn selection(&self) -> Selection {
        let mut options: Vec<OsString> = Vec::new();
        let mut named = |key: &str, values: &[String]| {
            for value in values {
                options.extend([key.into(), value.into()]);
            }
        };
        named("--package", &self.package);
        named("--bin", &self.bin);
        named("--example", &self.example);
        named("--test", &self.test);
        named("--features", &self.features);
        named("--profile", self.profile.as_slice());
        let flags = [
            ("--bins", self.bins),
            ("--examples", self.examples),
            ("--tests", self.tests),
            ("--all-targets", self.all_targets),
            ("--release", self.release),
            ("--all-features", self.all_features),
            ("--no-default-features", self.no_default_features),
        ];
        options.extend(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| OsString::from(flag)));
        let targets = [&self.bin, &self.example, &self.test];
        Selection {
            manifest: self.manifest_path.clone(),
            packages: !self.package.is_empty(),
            targets: targets.iter().any(|targets| !targets.is_empty())
                || self.bins
                || self.examples
                || self.tests
                || self.all_targets,
            quiet: self.quiet,
            options,
        }
    }
}

/// Runs the command line. `arguments` begin with the name of the program.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let mut arguments = arguments;
    // Cargo runs `cargo-backstop backstop ..`.
    if arguments.get(1).is_some_and(|first| first == "backstop") {
        arguments.remove(1);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = error.exit_code();
            // Where even that fails, nobody is left to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    match cli.command {
        Command::Verify(options) => verify::run(&verify::Options {
            selection: options.build.selection(),
            programs: options.program.clone(),
            policy: options.policy.clone(),
            format: options.format,
            strict: options.strict,
            quiet: options.build.quiet,
            verbose: options.build.verbose,
        }),
        Command::Audit(options) => audit::run(&audit::Options {
            selection: options.build.selection(),
            sources_only: options.sources,
            dependencies: options.dependencies,
            baseline: options.baseline,
            write_baseline: options.write_baseline,
            format: options.format,
            verbose: options.build.verbose,
        }),
        Command::Explain { rule } => match explain::explain(&rule) {
            Ok(text) => {
                anstream::print!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(&error),
        },
        Command::Init { manifest_path } => {
            match compile::workspace(manifest_path.as_deref(), false) {
                Ok(workspace) => match init::init(&workspace.root) {
                    Ok(path) => {
                        let path = path.display().to_string();
                        let path = report::short_path(&path, Some(&workspace.root));
                        anstream::println!("wrote {path}\n\nFor CI:\n\n{}", init::CI);
                        ExitCode::SUCCESS
                    }
                    Err(error) => {
                        failed(&format!("cannot write `{}`: {error}", crate::policy::file::NAME))
                    }
                },
                Err(error) => failed(&error.to_string()),
            }
        }
    }
}

fn failed(message: &str) -> ExitCode {
    report::human::error(message);
    ExitCode::from(2)
}
