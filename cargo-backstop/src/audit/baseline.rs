//! What was there before: how often each kind of site, without lines, which move.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Site;

const VERSION: u32 = 1;

/// A baseline file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    version: u32,
    sites: BTreeMap<String, usize>,
}

impl Baseline {
    pub(super) fn of(sites: &[Site]) -> Self {
        let mut counts = BTreeMap::new();
        for site in sites {
            *counts.entry(key(site)).or_default() += 1;
        }
        Self { version: VERSION, sites: counts }
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let baseline: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if baseline.version == VERSION {
            Ok(baseline)
        } else {
            Err(format!("version {} is not known, only {VERSION}", baseline.version))
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The sites that are new: of each kind, as many as there are more than before.
    pub(super) fn new_among(mut self, sites: &[Site]) -> Vec<Site> {
        let is_new = |site: &&Site| match self.sites.get_mut(&key(site)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        };
        sites.iter().filter(is_new).cloned().collect()
    }
}

fn key(site: &Site) -> String {
    let place = match (&site.program, &site.file) {
        (Some(program), _) => format!("in {program}"),
        // A folder of the registry has the version in its name.
        (None, Some(file)) if site.dependency => {
            file.split_once('/').map_or(file.as_str(), |(_, rest)| rest).to_owned()
        }
        (None, Some(file)) => file.clone(),
        (None, None) => String::new(),
    };
    format!("{} | {} | {place} | {}", site.krate, site.rule, site.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(file: &str, line: u32) -> Site {
        Site {
            krate: "app".to_owned(),
            rule: "process_exit",
            program: None,
            dependency: false,
            what: "process::exit".to_owned(),
            file: Some(file.to_owned()),
            line,
            column: 1,
            message: String::new(),
        }
    }

    #[test]
    fn what_only_moved_is_not_new_and_one_more_is() {
        let before = Baseline::of(&[site("a.rs", 1)]);
        let before = Baseline::parse(&before.text()).expect("its own text");
        let now = [site("a.rs", 9), site("a.rs", 12), site("b.rs", 1)];
        let new = before.new_among(&now);
        assert_eq!(new, [site("a.rs", 12), site("b.rs", 1)]);
        let of_version =
            |version| Site { dependency: true, ..site(&format!("log-{version}/src/lib.rs"), 1) };
        let before = Baseline::of(&[of_version("0.4.1")]);
        assert_eq!(before.new_among(&[of_version("0.4.2")]), []);
        assert!(Baseline::parse("{\"version\": 2, \"sites\": {}}").is_err());
    }
}
