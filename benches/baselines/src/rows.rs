//! The rows of a comparison: what is measured, in which unit, and which way is better.

use cliqueclique_sim::arena::Figures;
use cliqueclique_sim::goals;
use cliqueclique_sim::metrics::{CostKind, Histogram, Sample};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Less,
    /// More is better.
    More,
    /// Neither: it describes.
    Neither,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What is measured, with its unit.
    pub name: &'static str,
    /// Which way is better.
    pub better: Better,
    value: fn(&Figures) -> Option<f64>,
}

impl Row {
    /// The value; `None` if the run cannot tell.
    #[must_use]
    pub fn of(&self, figures: &Figures) -> Option<f64> {
        (self.value)(figures)
    }

    /// How much `theirs` is in units of ours; `None` if ours is zero or one is unknown.
    #[must_use]
    pub fn ratio(&self, ours: Option<f64>, theirs: Option<f64>) -> Option<f64> {
        let ours = ours.filter(|ours| *ours != 0.0)?;
        Some(theirs? / ours)
    }

    /// True if ours is worse by more than one in two hundred.
    #[must_use]
    pub fn ours_is_worse(&self, ours: Option<f64>, theirs: Option<f64>) -> bool {
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            return false;
        };
        match self.better {
            Better::Less => theirs < ours * 0.995,
            Better::More => theirs > ours * 1.005,
            Better::Neither => false,
        }
    }
}

const fn row(name: &'static str, better: Better, value: fn(&Figures) -> Option<f64>) -> Row {
    Row {
        name,
        better,
        value,
    }
}

/// Kinds of bytes in the groups that the table shows.
pub const GROUPS: [(&str, &[CostKind]); 5] = [
    ("body", &[CostKind::Document]),
    ("headers", &[CostKind::Push, CostKind::Frame]),
    (
        "control",
        &[
            CostKind::State,
            CostKind::Set,
            CostKind::Introduction,
            CostKind::Handshake,
        ],
    ),
    ("repair: sent again", &[CostKind::Retransmission]),
    ("upkeep of idle links", &[CostKind::KeepAlive]),
];

use Better::{Less, More, Neither};

/// All rows, in their order.
pub const ROWS: [Row; 36] = [
    row("wanted comments that are there at the end, %", More, there),
    row("subscribers that have everything, %", More, complete),
    row("deliveries", Neither, |f| named(f, "delivered")),
    row("bytes of a delivered comment, mean", Neither, |f| {
        let metrics = &f.metrics;
        let delivered = (metrics.delivered > 0).then_some(metrics.delivered)?;
        Some(float(metrics.delivered_bytes) / float(delivered))
    }),
    row("bytes per delivery, all", Less, |f| per_delivery(f, 5)),
    row("bytes per delivery: body", Less, |f| per_delivery(f, 0)),
    row("bytes per delivery: headers", Less, |f| per_delivery(f, 1)),
    row("bytes per delivery: control", Less, |f| per_delivery(f, 2)),
    row("bytes per delivery: sent again", Less, |f| {
        per_delivery(f, 3)
    }),
    row("bytes per delivery: upkeep of idle links", Less, |f| {
        per_delivery(f, 4)
    }),
    row("all bytes / comment bytes delivered", Less, |f| {
        named(f, "overhead")
    }),
    row("bytes beyond the comment, per delivery", Less, |f| {
        Some(per_delivery(f, 5)? - share(f.metrics.delivered_bytes, f.metrics.delivered)? / 100.0)
    }),
    row("copies of a body per delivery", Less, |f| {
        named(f, "copies")
    }),
    row("hops of a delivery, mean", Less, |f| named(f, "hops_mean")),
    row("hops of the last delivery, mean", Less, |f| {
        named(f, "last_hop_mean")
    }),
    row("delivery time, median, ms", Less, |f| delay(f, 0.5)),
    row("delivery time, 90 %, ms", Less, |f| delay(f, 0.9)),
    row("delivery time, 99 %, ms", Less, |f| delay(f, 0.99)),
    row("neighbours per (node, network), mean", Neither, |f| {
        named(f, "degree_mean")
    }),
    row("neighbours per (node, network), most", Neither, |f| {
        named(f, "degree_max")
    }),
    row(
        "branching: nodes that a node gives to, mean",
        Neither,
        |f| filled(&f.branching).map(Histogram::mean),
    ),
    row("branching, most", Neither, |f| {
        filled(&f.branching).map(|h| float(h.max()))
    }),
    row("depth of the tree", Neither, |f| named(f, "distance_max")),
    row("links per node, mean", Less, |f| named(f, "links_mean")),
    row("links per node, most", Less, |f| named(f, "links_max")),
    row("held without being wanted, %", Less, unwanted),
    row("control bytes per node that joins", Less, joining),
    row(
        "control messages per crash and document, median",
        Less,
        |f| named(f, "fault_messages_median"),
    ),
    row("control messages per crash and document, mean", Less, |f| {
        named(f, "fault_messages_mean")
    }),
    row(
        "control messages per node after the root crashed",
        Less,
        |f| named(f, "root_crash_messages_per_node"),
    ),
    row("control messages per leave and document, mean", Less, |f| {
        leaving(f)
    }),
    row("idle bytes per document and hour", Less, |f| {
        idle(f).map(|(bytes, _)| bytes)
    }),
    row("idle bytes per node and hour", Less, |f| {
        idle(f).map(|(_, bytes)| bytes)
    }),
    row("posts that came late, mean, ms", Less, |f| {
        filled(&f.metrics.post_delay_ms).map(Histogram::mean)
    }),
    row("until all had all after the end of faults, s", Less, |f| {
        f.metrics.settled_ms.map(|ms| float(ms) / 1_000.0)
    }),
    row("inputs handled", Neither, |f| named(f, "events")),
];

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn float(value: u64) -> f64 {
    value as f64
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * float(part) / float(whole))
}

fn named(figures: &Figures, name: &str) -> Option<f64> {
    goals::figure(&figures.metrics, name)
}

fn filled(histogram: &Histogram) -> Option<&Histogram> {
    (histogram.count() > 0).then_some(histogram)
}

fn there(figures: &Figures) -> Option<f64> {
    let sum = figures.completeness;
    share(sum.wanted - sum.missing, sum.wanted)
}

fn complete(figures: &Figures) -> Option<f64> {
    let sum = figures.completeness;
    share(sum.complete, sum.subscribers)
}

fn unwanted(figures: &Figures) -> Option<f64> {
    let sum = figures.completeness;
    share(sum.unwanted, sum.held)
}

/// Bytes of one of [`GROUPS`], or of all, for each delivery.
#[must_use]
pub fn per_delivery(figures: &Figures, group: usize) -> Option<f64> {
    let bytes = match GROUPS.get(group) {
        Some((_, kinds)) => figures.wire(kinds).bytes,
        None => GROUPS
            .iter()
            .map(|(_, kinds)| figures.wire(kinds).bytes)
            .sum(),
    };
    let delivered = figures.metrics.delivered;
    (delivered > 0).then(|| float(bytes) / float(delivered))
}

fn delay(figures: &Figures, quantile: f64) -> Option<f64> {
    filled(&figures.metrics.delay_ms).map(|delays| float(delays.quantile(quantile)))
}

fn control(sample: &Sample) -> u64 {
    let kinds = GROUPS[2].1.iter();
    kinds.filter_map(|kind| sample.bytes.get(kind)).sum()
}

/// Control bytes until the first comment came, for each node that runs by then.
fn joining(figures: &Figures) -> Option<f64> {
    let samples = figures.metrics.samples.iter();
    let before = samples.take_while(|sample| sample.delivered == 0).last()?;
    (before.alive > 1).then(|| float(control(before)) / (before.alive as f64))
}

fn leaving(figures: &Figures) -> Option<f64> {
    let faults = figures.metrics.fault_messages.iter();
    let left: Vec<_> = faults.filter(|fault| fault.kind == "leave").collect();
    let messages: u64 = left.iter().map(|fault| fault.messages).sum();
    let documents: usize = left.iter().map(|fault| fault.memberships).sum();
    (documents > 0).then(|| float(messages) / float(documents as u64))
}

/// Shortest silence at the end of the workload that tells what silence costs, seconds.
const SILENCE: f64 = 3_600.0;

/// Bytes an hour, per document and per node, in the later half of the silence at the
/// end, if nothing was written or delivered and nobody came or went for two hours or more.
#[must_use]
pub fn idle(figures: &Figures) -> Option<(f64, f64)> {
    let samples = &figures.metrics.samples;
    // The last one is taken after the run has settled.
    let (_, samples) = samples.split_last()?;
    let end = samples.last()?;
    let state = |sample: &Sample| (sample.documents, sample.delivered, sample.alive);
    let same = |sample: &&Sample| state(sample) == state(end);
    let begin = samples.iter().rev().take_while(same).last()?;
    let middle = f64::midpoint(begin.time, end.time);
    let from = samples.iter().find(|sample| sample.time >= middle)?;
    let hours = (end.time - from.time) / 3_600.0;
    if end.time - from.time < SILENCE {
        return None;
    }
    let sum = |sample: &Sample| sample.bytes.values().sum::<u64>();
    let bytes = float(sum(end) - sum(from)) / hours;
    let (documents, nodes) = (end.documents.max(1), end.alive.max(1));
    Some((bytes / float(documents as u64), bytes / float(nodes as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Row {
        let found = ROWS.into_iter().find(|row| row.name == name);
        found.expect("a row of that name")
    }

    #[test]
    fn ours_is_worse_only_where_the_row_says_which_way_is_better() {
        let bytes = find("bytes per delivery, all");
        assert!(bytes.ours_is_worse(Some(10.0), Some(5.0)));
        assert!(!bytes.ours_is_worse(Some(10.0), Some(10.0)));
        assert!(!bytes.ours_is_worse(None, Some(5.0)));
        let there = find("wanted comments that are there at the end, %");
        assert!(there.ours_is_worse(Some(90.0), Some(100.0)));
        assert!(!find("inputs handled").ours_is_worse(Some(2.0), Some(1.0)));
        assert_eq!(bytes.ratio(Some(10.0), Some(5.0)), Some(0.5));
        assert_eq!(bytes.ratio(Some(0.0), Some(5.0)), None);
    }

    #[test]
    fn silence_is_measured_in_its_later_half() {
        let mut figures = Figures::default();
        for hour in 0..=10_u32 {
            let mut sample = Sample {
                time: f64::from(hour) * 3_600.0,
                documents: 4,
                alive: 2,
                delivered: 7,
                ..Sample::default()
            };
            // Before the fifth hour it costs more.
            let bytes = u64::from(hour) * 100 + u64::from(hour.min(5)) * 1_000;
            sample.bytes.insert(CostKind::KeepAlive, bytes);
            figures.metrics.samples.push(sample);
        }
        figures.metrics.samples.push(Sample::default());
        let (document, node) = idle(&figures).expect("ten hours of silence");
        assert!((document - 25.0).abs() < 1e-9 && (node - 50.0).abs() < 1e-9);
    }
}
