//! Bar charts of histograms: small whole numbers one bar each, times on a
//! logarithmic axis.

use super::plot::{LEFT, Plot, RIGHT};
use super::words;
use crate::metrics::Histogram;

/// Most bars of whole numbers; more are drawn in groups.
const BARS: u64 = 40;

/// One bar: first value, last value, how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) count: u64,
}

/// Bars of whole numbers from zero to the largest, in groups of equal width if there are many.
pub(super) fn linear(histogram: &Histogram) -> Vec<Bar> {
    let top = histogram.buckets().last().map_or(0, |(value, _)| value);
    let width = (top + 1).div_ceil(BARS).max(1);
    let number = (top + 1).div_ceil(width);
    let mut bars: Vec<_> = (0..number)
        .map(|at| Bar {
            first: at * width,
            last: at * width + width - 1,
            count: 0,
        })
        .collect();
    for (value, count) in histogram.buckets() {
        if let Some(bar) = usize::try_from(value / width)
            .ok()
            .and_then(|at| bars.get_mut(at))
        {
            bar.count += count;
        }
    }
    bars
}

/// Bars of half octaves (factor 1.4), from the smallest to the largest value.
pub(super) fn logarithmic(histogram: &Histogram) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for (value, count) in histogram.buckets() {
        let half = half_octave(value);
        let first = bars.last().map_or(half, |bar| half_octave(bar.first) + 1);
        for empty in first..=half {
            bars.push(Bar {
                first: edge(empty),
                last: edge(empty + 1) - 1,
                count: 0,
            });
        }
        if let Some(bar) = bars.last_mut() {
            bar.count += count;
        }
    }
    bars
}

/// Number of half octaves below a value: 1 has 0, 2 has 2, 3 has 3, 4 has 4.
/// (Half of an octave above 2^n begins at 3/2 · 2^n, which is exact.)
fn half_octave(value: u64) -> u32 {
    let value = value.max(1);
    let octave = value.ilog2();
    let upper = octave > 0 && value >> (octave - 1) & 1 == 1;
    2 * octave + u32::from(upper)
}

/// First value of a half octave; the upper half of 1 is empty.
fn edge(half: u32) -> u64 {
    let octave = half / 2;
    let base = 1_u64.checked_shl(octave).unwrap_or(u64::MAX);
    if half.is_multiple_of(2) {
        base
    } else {
        base.saturating_add((base / 2).max(1))
    }
}

/// The chart of some bars; `label` names a value below the axis.
#[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
pub(super) fn chart(title: &str, bars: &[Bar], label: impl Fn(u64) -> String) -> String {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0);
    let mut plot = Plot::new(title, most as f64, axis);
    let width = (RIGHT - LEFT) / bars.len().max(1) as f64;
    let every = bars.len().div_ceil(6).max(1);
    for (at, bar) in bars.iter().enumerate() {
        let x = LEFT + width * at as f64;
        if bar.count > 0 {
            let range = if bar.first >= bar.last {
                label(bar.first)
            } else {
                format!("{} to {}", label(bar.first), label(bar.last))
            };
            plot.bar(
                x + width * 0.08,
                width * 0.84,
                bar.count as f64,
                &format!("{range}: {}", words::count(bar.count)),
            );
        }
        if at.is_multiple_of(every) {
            plot.below(x + width / 2.0, &label(bar.first));
        }
    }
    plot.finish()
}

#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "axis values are not negative; `as` saturates"
)]
fn axis(value: f64) -> String {
    if value.fract() == 0.0 {
        words::short(value as u64)
    } else {
        words::figure(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.add(*value));
        histogram
    }

    #[test]
    fn small_numbers_have_a_bar_each() {
        let counts: Vec<_> = linear(&of(&[0, 2, 2, 3]))
            .iter()
            .map(|bar| bar.count)
            .collect();
        assert_eq!(counts, [1, 0, 2, 1]);
        assert_eq!(
            linear(&of(&[])),
            [Bar {
                first: 0,
                last: 0,
                count: 0
            }]
        );
    }

    #[test]
    fn large_numbers_are_grouped_and_none_is_lost() {
        let bars = linear(&of(&[0, 5, 50, 63, 100, 1000]));
        assert!(bars.len() <= 40);
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), 6);
        assert!(
            bars.windows(2)
                .all(|pair| pair[0].last + 1 == pair[1].first)
        );
    }

    #[test]
    fn times_are_in_half_octaves() {
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 7, 8].map(half_octave),
            [0, 2, 3, 4, 4, 5, 5, 6]
        );
        assert!(
            (0..40)
                .filter(|half| *half != 1)
                .all(|half| half_octave(edge(half)) == half)
        );
        let bars = logarithmic(&of(&[4, 5, 6, 40]));
        assert_eq!(
            bars.iter()
                .map(|bar| (bar.first, bar.count))
                .collect::<Vec<_>>(),
            [(4, 2), (6, 1), (8, 0), (12, 0), (16, 0), (24, 0), (32, 1)]
        );
    }

    #[test]
    fn any_histogram_can_be_drawn() {
        for values in [&[][..], &[0], &[u64::MAX], &[0, 1, u64::MAX / 2]] {
            let histogram = of(values);
            assert!(chart("t", &linear(&histogram), words::count).ends_with("</svg>"));
            assert!(chart("t", &logarithmic(&histogram), words::millis).ends_with("</svg>"));
        }
    }
}
