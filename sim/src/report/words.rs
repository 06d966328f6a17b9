//! Figures and texts as people read them.

use std::time::Duration;

/// Text that is safe in HTML, as content and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Control characters have no place in a page.
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// `1234567` as `1,234,567`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1234567` as `1.2 M`: three figures are enough on an axis.
#[allow(clippy::cast_precision_loss, reason = "rounded on purpose")]
pub(super) fn short(value: u64) -> String {
    scaled(value as f64, 1000.0, &["", " k", " M", " G", " T"])
}

/// `1234567` as `1.2 MB` (powers of 1000).
#[allow(clippy::cast_precision_loss, reason = "rounded on purpose")]
pub(super) fn bytes(value: u64) -> String {
    scaled(value as f64, 1000.0, &[" B", " kB", " MB", " GB", " TB"])
}

fn scaled(mut value: f64, base: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // 999.95 and more would be shown as 1000.
    while value >= base * 0.9995 && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        return format!("{value:.0}{}", units[unit]);
    }
    format!("{value:.1}{}", units[unit])
}

/// A figure with as many places as make sense.
pub(super) fn figure(value: f64) -> String {
    if !value.is_finite() {
        return "unbounded".into();
    }
    match value.abs() {
        large if large >= 1000.0 => count(whole(value)),
        middle if middle >= 100.0 => format!("{value:.0}"),
        small if small >= 10.0 || small == 0.0 => trimmed(format!("{value:.1}")),
        _ => trimmed(format!("{value:.3}")),
    }
}

#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "figures are not negative; `as` saturates"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A share of 1 as a percentage.
pub(super) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.001 {
        "< 0.1 %".into()
    } else {
        format!("{:.1} %", share * 100.0)
    }
}

/// `a` of `b`, zero if there is no `b`.
#[allow(clippy::cast_precision_loss, reason = "a share for people")]
pub(super) fn share(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// Seconds as `12 s`, `3 min 20 s`, `2 h 5 min`, `12 days 3 h`.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        return if seconds < 1.0 {
            format!("{:.0} ms", seconds * 1000.0)
        } else {
            format!("{:.1} s", seconds)
        };
    }
    let s = whole(seconds);
    let (large, small, names) = match s {
        0..120 => (s, 0, ["s", ""]),
        120..7_200 => (s / 60, s % 60, ["min", "s"]),
        7_200..172_800 => (s / 3_600, s % 3_600 / 60, ["h", "min"]),
        _ => (s / 86_400, s % 86_400 / 3_600, ["days", "h"]),
    };
    if small == 0 {
        format!("{} {}", count(large), names[0])
    } else {
        format!("{} {} {small} {}", count(large), names[0], names[1])
    }
}

/// A duration, as [`seconds`].
pub(super) fn duration(duration: Duration) -> String {
    seconds(duration.as_secs_f64())
}

/// Milliseconds, as [`seconds`].
#[allow(clippy::cast_precision_loss, reason = "rounded on purpose")]
pub(super) fn millis(value: u64) -> String {
    seconds(value as f64 / 1000.0)
}

/// `1 node`, `2 nodes`.
pub(super) fn plural(number: u64, one: &str) -> String {
    format!(
        "{} {one}{}",
        count(number),
        if number == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0, 999, 1000, 999_999, 1_250_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "1.0 MB", "1.2 MB"]
        );
        assert_eq!(short(45_000), "45.0 k");
        assert_eq!(
            [0.0, 1.0, 1.0446, 12.34, 345.6, 12_345.6].map(figure),
            ["0", "1", "1.045", "12.3", "346", "12,346"]
        );
        assert_eq!(figure(f64::INFINITY), "unbounded");
        assert_eq!(
            [0.0, 0.0001, 0.25].map(percent),
            ["0.0 %", "< 0.1 %", "25.0 %"]
        );
        assert_eq!(plural(1, "node"), "1 node");
        assert_eq!(plural(2, "node"), "2 nodes");
    }

    #[test]
    fn times_read_well() {
        let cases = [
            (0.25, "250 ms"),
            (2.5, "2.5 s"),
            (60.0, "60 s"),
            (200.0, "3 min 20 s"),
            (7_500.0, "2 h 5 min"),
        ];
        for (value, text) in cases {
            assert_eq!(seconds(value), text);
        }
        assert_eq!(duration(Duration::from_secs(31_536_000)), "365 days");
        assert_eq!(millis(1_500), "1.5 s");
    }

    #[test]
    fn nothing_gets_out_of_a_text() {
        assert_eq!(
            escape("<a b=\"c\">'&\n"),
            "&lt;a b=&quot;c&quot;&gt;&#39;&amp; "
        );
    }
}
