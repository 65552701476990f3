//! Durations as options have them: `"10s"`.

use syn::LitStr;

use crate::args::Entry;

const EXPECTED: &str = "a duration such as \"10s\", \"500ms\" or \"2m\"";

/// The milliseconds of `key = "10s"`.
pub(crate) fn milliseconds(entry: Entry) -> syn::Result<u64> {
    let key = entry.key.clone();
    let text: LitStr = entry.equals(EXPECTED)?;
    parse(&text.value())
        .ok_or_else(|| syn::Error::new(text.span(), format!("`{key}` takes {EXPECTED}")))
}

/// A whole number and its unit, without anything in between.
fn parse(text: &str) -> Option<u64> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_number_and_a_unit_are_a_duration() {
        let texts = ["10s", "500ms", "2m", "0s", "18446744073709551615ms"];
        let parsed = texts.map(parse);
        assert_eq!(parsed, [Some(10_000), Some(500), Some(120_000), Some(0), Some(u64::MAX)]);
    }

    #[test]
    fn nothing_else_is() {
        let texts = [
            "",
            "s",
            "10",
            "10 s",
            " 10s",
            "10s ",
            "-1s",
            "+1s",
            "1.5s",
            "10S",
            "10sec",
            "1h",
            "1m30s",
            "1_000s",
            "18446744073709551615s",
            "18446744073709551616ms",
            "١s",
        ];
        for text in texts {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
