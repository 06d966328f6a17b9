//! Human units: lengths of time, shares, sizes.

use std::time::Duration;

/// Longest time that a scenario may name: a hundred years.
const LONGEST: f64 = 100.0 * 365.0 * 86_400.0;

/// What a length of time looks like.
pub(crate) const TIME: &str = "a length of time: a string with a unit, such as \"150ms\", \"30s\", \"5m\", \"2h\", \"1d\" or \"1h30m\"";
/// What a share looks like.
pub(crate) const SHARE: &str =
    "a share from 0 to 1: a number such as 0.1, or a string such as \"10%\"";
/// What a size looks like.
pub(crate) const SIZE: &str = "a size: whole bytes such as 4096, or a string such as \"256KiB\" (units B, kB, MB, GB, KiB, MiB, GiB)";

/// Seconds in a unit of time.
fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        "w" => 7.0 * 86_400.0,
        _ => return None,
    })
}

/// Bytes in a unit of size.
fn bytes(unit: &str) -> Option<f64> {
    Some(match unit {
        "B" | "" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    })
}

/// Takes a number and the unit that follows it off the front.
fn quantity(text: &str) -> Option<(f64, &str, &str)> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let rest = rest.trim_start();
    let unit = rest
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit);
    Some((
        number.replace('_', "").parse().ok()?,
        unit,
        rest.trim_start(),
    ))
}

/// A length of time such as `1h30m`; whole microseconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    loop {
        let (number, unit, after) = quantity(rest)?;
        total += number * seconds(unit)?;
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    let rounded = (total * 1e6).round() / 1e6;
    (rounded <= LONGEST)
        .then(|| Duration::try_from_secs_f64(rounded).ok())
        .flatten()
}

/// A length of time as whole microseconds allow, which reads back as the same.
pub(crate) fn exact(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0 => "0s".to_owned(),
        _ if micros.is_multiple_of(1_000_000) => format!("{}s", micros / 1_000_000),
        _ if micros.is_multiple_of(1_000) => format!("{}ms", micros / 1_000),
        _ => format!("{micros}us"),
    }
}

/// A share such as `10%`.
pub(crate) fn share(text: &str) -> Option<f64> {
    let number: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    Some(number / 100.0)
}

/// A share from a command line: `5%` or `0.05`.
#[must_use]
pub fn read_share(text: &str) -> Option<f64> {
    share(text)
        .or_else(|| text.trim().parse().ok())
        .filter(|share: &f64| share.is_finite())
}

/// A size such as `256KiB`, in bytes; a trailing `/s` is accepted where `rate` says so.
#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "checked to be whole and in range"
)]
pub(crate) fn size(text: &str, rate: bool) -> Option<u64> {
    let text = text.trim();
    let text = if rate {
        text.strip_suffix("/s").unwrap_or(text)
    } else {
        text
    };
    let (number, unit, rest) = quantity(text)?;
    let total = number * bytes(unit)?;
    (rest.is_empty() && total.fract() == 0.0 && total <= 1e15).then_some(total as u64)
}

/// A length of time as people write it, in the largest unit that leaves a whole number.
#[must_use]
pub fn show(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros == 0 {
        return "0s".to_owned();
    }
    let units = [
        (86_400_000_000, "d"),
        (3_600_000_000, "h"),
        (60_000_000, "m"),
        (1_000_000, "s"),
        (1_000, "ms"),
    ];
    units
        .iter()
        .find(|(unit, _)| micros >= *unit && micros.is_multiple_of(*unit))
        .map_or_else(
            || format!("{micros}us"),
            |(unit, name)| format!("{}{name}", micros / unit),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(duration("150ms"), Some(Duration::from_millis(150)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("1.5 d"), Some(Duration::from_secs(129_600)));
        assert_eq!(duration("1_000s"), Some(Duration::from_secs(1000)));
        for bad in [
            "",
            "5",
            "5x",
            "-5s",
            "s",
            "5s,",
            "1e9d",
            "999999999999d",
            "..s",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn shares_and_sizes() {
        assert_eq!(share("10%"), Some(0.1));
        assert_eq!(share("10"), None);
        assert_eq!(size("256KiB", false), Some(262_144));
        assert_eq!(size("1.5kB", false), Some(1500));
        assert_eq!(size("64KiB/s", true), Some(65_536));
        for bad in ["64KiB/s", "1.0001kB", "KiB", "5 apples"] {
            assert_eq!(size(bad, false), None, "{bad}");
        }
    }

    #[test]
    fn times_are_shown_in_the_largest_whole_unit() {
        assert_eq!(show(Duration::from_secs(90)), "90s");
        assert_eq!(show(Duration::from_secs(7200)), "2h");
        assert_eq!(show(Duration::ZERO), "0s");
    }
}
