//! Cost over time, from the samples.

use super::costs::KINDS;
use super::plot::{LEFT, Plot, RIGHT, figure};
use super::style::SERIES;
use super::words;
use crate::metrics::{CostKind, Sample};
use std::fmt::Write;

/// Most points of a curve; more samples are put together.
const POINTS: usize = 150;

/// What was spent between two samples.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) from: f64,
    pub(super) to: f64,
    /// Bytes per second, by kind in the order of [`KINDS`].
    pub(super) rates: [f64; 9],
}

/// Rates between samples, `POINTS` at most.
pub(super) fn intervals(samples: &[Sample]) -> Vec<Interval> {
    let every = samples.len().div_ceil(POINTS).max(1);
    let mut chosen: Vec<_> = samples.iter().step_by(every).collect();
    if let Some(last) = samples
        .last()
        .filter(|last| chosen.last().is_some_and(|end| end.time < last.time))
    {
        chosen.push(last);
    }
    chosen
        .windows(2)
        .filter(|pair| pair[0].time < pair[1].time)
        .map(|pair| interval(pair[0], pair[1]))
        .collect()
}

#[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
fn interval(from: &Sample, to: &Sample) -> Interval {
    let sent = |sample: &Sample, kind: CostKind| sample.bytes.get(&kind).copied().unwrap_or(0);
    let rates = KINDS.map(|(kind, _, _)| {
        sent(to, kind).saturating_sub(sent(from, kind)) as f64 / (to.time - from.time)
    });
    Interval {
        from: from.time,
        to: to.time,
        rates,
    }
}

/// The section; empty without at least two samples.
pub(super) fn section(samples: &[Sample]) -> String {
    let intervals = intervals(samples);
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return String::new();
    };
    if intervals.is_empty() {
        return String::new();
    }
    let scale = Scale {
        from: first.time,
        to: last.time,
    };
    let charts = [
        figure(
            "Bytes sent per second",
            &stack(&intervals, &scale),
            "all nodes together, by kind as above",
        ),
        curve(
            samples,
            &scale,
            "Nodes alive",
            "that run and can be reached",
            |sample| sample.alive,
        ),
        curve(samples, &scale, "Links", "each counted once", |sample| {
            sample.links
        }),
        curve(
            samples,
            &scale,
            "Parts in networks",
            "pairs of a node and a document that it is in the network of",
            |sample| sample.memberships,
        ),
    ];
    let mut html = format!(
        "<section><h2>Over time</h2><div class=\"grid wide\">{}</div>",
        charts.concat()
    );
    html.push_str("<div class=\"legend\">");
    for (at, (_, name, _)) in KINDS.iter().enumerate() {
        let _ = write!(
            html,
            "<span><span class=\"key {}\"></span>{name}</span>",
            SERIES[at]
        );
    }
    html + "</div></section>\n"
}

/// Simulated seconds to places on the horizontal axis.
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    fn x(&self, time: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (time - self.from) / (self.to - self.from).max(f64::MIN_POSITIVE)
    }

    fn axis(&self, plot: &mut Plot) {
        for part in [0.0, 0.5, 1.0] {
            let time = self.from + (self.to - self.from) * part;
            plot.below(self.x(time), &words::seconds(time));
        }
    }
}

fn stack(intervals: &[Interval], scale: &Scale) -> String {
    let most = intervals
        .iter()
        .map(|interval| interval.rates.iter().sum::<f64>())
        .fold(0.0, f64::max);
    let mut plot = Plot::new("Bytes sent per second", most, rate);
    let mut below = vec![0.0; intervals.len()];
    for (kind, class) in SERIES.iter().enumerate() {
        let mut points = Vec::with_capacity(2 * intervals.len());
        for (at, interval) in intervals.iter().enumerate() {
            let above = below[at] + interval.rates[kind];
            points.push((scale.x(interval.from), below[at], above));
            points.push((scale.x(interval.to), below[at], above));
            below[at] = above;
        }
        plot.area(class, &points);
    }
    scale.axis(&mut plot);
    plot.finish()
}

#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "axis values are not negative; `as` saturates"
)]
fn rate(value: f64) -> String {
    if value > 0.0 && value < 1.0 {
        words::figure(value)
    } else {
        words::bytes(value as u64)
    }
}

#[allow(clippy::cast_precision_loss, reason = "drawn to a fraction of a pixel")]
fn curve(
    samples: &[Sample],
    scale: &Scale,
    heading: &str,
    caption: &str,
    value: impl Fn(&Sample) -> usize,
) -> String {
    let every = samples.len().div_ceil(2 * POINTS).max(1);
    let mut points: Vec<_> = samples
        .iter()
        .step_by(every)
        .map(|sample| (scale.x(sample.time), value(sample) as f64))
        .collect();
    points.extend(
        samples
            .last()
            .map(|sample| (scale.x(sample.time), value(sample) as f64)),
    );
    let most = samples.iter().map(&value).max().unwrap_or(0);
    let mut plot = Plot::new(heading, most as f64, |at| {
        if at.fract() == 0.0 {
            words::short(whole(at))
        } else {
            String::new()
        }
    });
    plot.line(&points);
    scale.axis(&mut plot);
    let last = samples.last().map_or(0, &value);
    figure(
        heading,
        &plot.finish(),
        &format!("{caption}; {} at the end", words::count(last as u64)),
    )
}

#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "axis values are not negative; `as` saturates"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn sample(time: f64, documents: u64, state: u64) -> Sample {
        let bytes = BTreeMap::from([(CostKind::Document, documents), (CostKind::State, state)]);
        Sample {
            time,
            bytes,
            ..Sample::default()
        }
    }

    #[test]
    fn rates_are_differences_over_time() {
        let found = intervals(&[
            sample(0.0, 0, 0),
            sample(10.0, 1000, 50),
            sample(12.0, 1000, 70),
        ]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].rates[0], found[0].rates[4]), (100.0, 5.0));
        assert_eq!((found[1].rates[0], found[1].rates[4]), (0.0, 10.0));
    }

    #[test]
    fn many_samples_are_put_together_and_no_byte_is_lost() {
        let samples: Vec<_> = (0..1000_u32)
            .map(|at| sample(f64::from(at), u64::from(at) * 7, 0))
            .collect();
        let found = intervals(&samples);
        assert!(found.len() <= POINTS);
        let sum: f64 = found
            .iter()
            .map(|interval| interval.rates[0] * (interval.to - interval.from))
            .sum();
        assert!((sum - 999.0 * 7.0).abs() < 1e-6);
    }

    #[test]
    fn without_samples_there_is_nothing_to_show() {
        assert_eq!(section(&[]), "");
        assert_eq!(section(&[sample(1.0, 1, 1)]), "");
    }
}
