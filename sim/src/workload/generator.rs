//! Generates a newsgroup with the shape of the reference one (comp.lang.cobol in
//! 2003: 17,305 messages, 1,131 authors, 1,338 threads): few busy authors, heavy-
//! tailed threads, lognormal bodies, and a daily rhythm. Numbers without another
//! origin are fitted to those figures.

use super::{BODY_SIGMA, Row, body_size};
use crate::random::{Purpose, fork, lognormal, weighted, whole};
use crate::scenario::Newsgroup;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Shares of the ten busiest authors of the reference: messages out of 17,305.
const BUSIEST: [f64; 10] = [
    1831.0, 1070.0, 1052.0, 1044.0, 861.0, 579.0, 546.0, 489.0, 480.0, 388.0,
];
/// Activity falls with this power of the rank from the tenth author on, so that
/// all 1,131 together wrote 17,305 messages.
const ACTIVITY_EXPONENT: f64 = 1.4;
/// Thread sizes: median 4 and mean 12.9 give this sigma of the logarithm.
const THREAD_MEDIAN: f64 = 4.0;
const THREAD_SIGMA: f64 = 1.53;
/// Largest thread of the reference.
const THREAD_MAX: usize = 1_166;
/// A thread of n messages has about n to this power authors, which gives 4.9 on
/// average over the distribution of sizes.
const AUTHORS_EXPONENT: f64 = 0.71;
/// Median body, bytes.
const BODY_MEDIAN: f64 = 677.0;
/// Median time from a message to its answer, seconds, and sigma of the logarithm. Guess.
const ANSWER_MEDIAN: f64 = 4.0 * 3_600.0;
const ANSWER_SIGMA: f64 = 1.5;
/// An answer goes to one of the latest so many messages of its thread. Guess.
const ANSWERABLE: usize = 12;
/// Relative activity by hour of the day. Guess: evenings are busy, nights are not.
const HOURS: [f64; 24] = [
    0.5, 0.35, 0.25, 0.2, 0.2, 0.25, 0.35, 0.5, 0.7, 0.85, 0.95, 1.0, 1.0, 1.0, 1.05, 1.1, 1.15,
    1.2, 1.25, 1.3, 1.25, 1.1, 0.9, 0.7,
];
const DAY: f64 = 86_400.0;

#[derive(Clone, Copy, Debug)]
struct Draft {
    seconds: f64,
    parent: Option<usize>,
    author: usize,
    bytes: usize,
}

/// All messages, in order of time.
pub(super) fn generate(model: &Newsgroup, seed: u64) -> Vec<Row> {
    let mut rng = fork(seed, Purpose::Trace, 0);
    let span = model.span.as_secs_f64();
    let mut quotas = quotas(model.authors.max(1), model.messages.max(1));
    let mut drafts: Vec<Draft> = Vec::with_capacity(model.messages);
    while drafts.len() < model.messages {
        let size = thread_size(&mut rng).min(model.messages - drafts.len());
        thread(&mut rng, size, span, &mut quotas, &mut drafts);
    }
    in_order(&drafts)
}

/// Messages per author: the reference's shares, at least one each as far as they go.
#[allow(
    clippy::cast_precision_loss,
    reason = "numbers of messages are far below 2^53"
)]
fn quotas(authors: usize, messages: usize) -> Vec<usize> {
    let last = BUSIEST[BUSIEST.len() - 1];
    let tail = |rank: usize| last * (BUSIEST.len() as f64 / rank as f64).powf(ACTIVITY_EXPONENT);
    let weight = |at: usize| BUSIEST.get(at).copied().unwrap_or_else(|| tail(at + 1));
    let total: f64 = (0..authors).map(weight).sum();
    let share = |at: usize| weight(at) / total * messages as f64;
    let mut quotas: Vec<usize> = (0..authors)
        .map(|at| whole(share(at), 1, messages))
        .collect();
    balance(&mut quotas, messages);
    quotas
}

/// Adds to or takes from the middle ranks until the sum is right.
fn balance(quotas: &mut [usize], messages: usize) {
    let mut sum: usize = quotas.iter().sum();
    let mut at = quotas.len().min(BUSIEST.len()) % quotas.len();
    while sum != messages {
        if sum < messages {
            quotas[at] += 1;
            sum += 1;
        } else if quotas[at] > 1 || sum - messages >= quotas.len() {
            let taken = usize::from(quotas[at] > 0);
            quotas[at] -= taken;
            sum -= taken;
        } else if quotas.iter().all(|&quota| quota <= 1) {
            quotas[at] = 0;
            sum = quotas.iter().sum();
        }
        at = (at + 1) % quotas.len();
    }
}

fn thread_size(rng: &mut ChaCha8Rng) -> usize {
    whole(lognormal(rng, THREAD_MEDIAN, THREAD_SIGMA), 1, THREAD_MAX)
}

fn thread(
    rng: &mut ChaCha8Rng,
    size: usize,
    span: f64,
    quotas: &mut [usize],
    drafts: &mut Vec<Draft>,
) {
    let first = drafts.len();
    let mut seen: Vec<usize> = Vec::new();
    for at in 0..size {
        let author = author(rng, at, quotas, &mut seen);
        let bytes = body_size(lognormal(rng, BODY_MEDIAN, BODY_SIGMA));
        let (parent, seconds) = if at == 0 {
            (None, rhythmic(rng, span))
        } else {
            let parent = first + at - 1 - rng.random_range(0..at.min(ANSWERABLE));
            (Some(parent), answer_time(rng, drafts[parent].seconds, span))
        };
        drafts.push(Draft {
            seconds,
            parent,
            author,
            bytes,
        });
    }
}

/// Who writes message `at` of a thread: somebody new to it, or one who wrote in it.
#[allow(clippy::cast_precision_loss, reason = "thread sizes are small")]
fn author(rng: &mut ChaCha8Rng, at: usize, quotas: &mut [usize], seen: &mut Vec<usize>) -> usize {
    let expected = |size: usize| (size as f64).powf(AUTHORS_EXPONENT);
    let new = rng.random::<f64>() < expected(at + 1) - expected(at);
    let open: Vec<usize> = seen
        .iter()
        .copied()
        .filter(|&author| quotas[author] > 0)
        .collect();
    let author = if new || open.is_empty() {
        stranger(rng, quotas, seen)
    } else {
        of(rng, &open, quotas)
    };
    quotas[author] -= usize::from(quotas[author] > 0);
    author
}

/// One of the authors, by what they still have to write.
#[allow(clippy::cast_precision_loss, reason = "quotas are small")]
fn of(rng: &mut ChaCha8Rng, authors: &[usize], quotas: &[usize]) -> usize {
    let mut total = 0.0;
    let cumulative: Vec<f64> = authors
        .iter()
        .map(|&author| {
            total += quotas[author] as f64;
            total
        })
        .collect();
    authors[weighted(rng, &cumulative)]
}

fn stranger(rng: &mut ChaCha8Rng, quotas: &[usize], seen: &mut Vec<usize>) -> usize {
    let open: Vec<usize> = (0..quotas.len())
        .filter(|author| quotas[*author] > 0 && !seen.contains(author))
        .collect();
    let author = if open.is_empty() {
        (0..quotas.len())
            .find(|&author| quotas[author] > 0)
            .unwrap_or(0)
    } else {
        of(rng, &open, quotas)
    };
    if !seen.contains(&author) {
        seen.push(author);
    }
    author
}

/// A time in the span, more often at busy hours.
fn rhythmic(rng: &mut ChaCha8Rng, span: f64) -> f64 {
    let busiest = HOURS.iter().copied().fold(0.0, f64::max);
    loop {
        let at = rng.random::<f64>() * span;
        let hour = whole((at % DAY / 3_600.0).floor(), 0, 23);
        if rng.random::<f64>() * busiest < HOURS[hour] {
            return at;
        }
    }
}

/// Later than the parent and within the span; in the night it waits for the morning, often.
fn answer_time(rng: &mut ChaCha8Rng, parent: f64, span: f64) -> f64 {
    let room = (span - parent).max(0.0);
    let delay = lognormal(rng, ANSWER_MEDIAN, ANSWER_SIGMA);
    let delay = if delay < room {
        delay
    } else {
        room * rng.random::<f64>()
    };
    let at = parent + delay;
    let hour = whole((at % DAY / 3_600.0).floor(), 0, 23);
    let morning = at + 8.0 * 3_600.0;
    if rng.random::<f64>() > HOURS[hour] && morning < span {
        morning
    } else {
        at
    }
}

/// Sorts by time (a parent stays before its comments) and numbers anew.
#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "times are within the span"
)]
fn in_order(drafts: &[Draft]) -> Vec<Row> {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by(|&a, &b| {
        drafts[a]
            .seconds
            .total_cmp(&drafts[b].seconds)
            .then(a.cmp(&b))
    });
    let mut place = vec![0; drafts.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(at, &draft)| place[draft] = at);
    let row = |&draft: &usize| {
        let Draft {
            seconds,
            parent,
            author,
            bytes,
        } = drafts[draft];
        Row {
            seconds: seconds as u64,
            parent: parent.map(|parent| place[parent]),
            author,
            bytes,
        }
    };
    order.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    fn model(authors: usize, messages: usize) -> Newsgroup {
        Newsgroup {
            replay: None,
            replay_required: false,
            authors,
            messages,
            span: Duration::from_secs(365 * 86_400),
            readers: 0,
            follow_all: 0.0,
            follow_thread: 0.0,
            join_before: Duration::ZERO,
            limit: None,
        }
    }

    fn threads(rows: &[Row]) -> BTreeMap<usize, Vec<Row>> {
        let mut root = Vec::new();
        let mut threads = BTreeMap::<usize, Vec<Row>>::new();
        for (at, row) in rows.iter().enumerate() {
            root.push(row.parent.map_or(at, |parent| root[parent]));
            threads.entry(root[at]).or_default().push(*row);
        }
        threads
    }

    #[test]
    fn a_year_has_the_figures_of_the_reference() {
        let rows = generate(&model(1_131, 17_305), 1);
        assert_eq!(rows.len(), 17_305);
        let mut per_author = vec![0; 1_131];
        rows.iter().for_each(|row| per_author[row.author] += 1);
        assert!(
            per_author.iter().all(|&count| count > 0),
            "everybody writes"
        );
        assert!(
            (1_700..2_000).contains(&per_author[0]),
            "busiest {}",
            per_author[0]
        );
        assert!(
            (340..440).contains(&per_author[9]),
            "tenth {}",
            per_author[9]
        );

        let threads = threads(&rows);
        let mut sizes: Vec<usize> = threads.values().map(Vec::len).collect();
        sizes.sort_unstable();
        assert!(
            (1_000..1_700).contains(&threads.len()),
            "{} threads",
            threads.len()
        );
        assert!(
            (3..=5).contains(&sizes[sizes.len() / 2]),
            "median {}",
            sizes[sizes.len() / 2]
        );
        let authors: usize = threads
            .values()
            .map(|rows| {
                rows.iter()
                    .map(|row| row.author)
                    .collect::<BTreeSet<_>>()
                    .len()
            })
            .sum();
        let mean = authors as f64 / threads.len() as f64;
        assert!((4.2..5.6).contains(&mean), "{mean} authors per thread");
    }

    #[test]
    fn bodies_have_the_figures_of_the_reference() {
        let rows = generate(&model(1_131, 17_305), 2);
        let mut sizes: Vec<usize> = rows.iter().map(|row| row.bytes).collect();
        sizes.sort_unstable();
        let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
        assert!(
            (640..715).contains(&sizes[sizes.len() / 2]),
            "median {}",
            sizes[sizes.len() / 2]
        );
        assert!((1_020.0..1_130.0).contains(&mean), "mean {mean}");
        assert!(sizes[sizes.len() - 1] <= 73_976);
    }

    #[test]
    fn rows_are_in_order_and_answers_come_after_their_parents() {
        let rows = generate(&model(20, 500), 3);
        assert!(
            rows.windows(2)
                .all(|pair| pair[0].seconds <= pair[1].seconds)
        );
        assert!(
            rows.iter()
                .enumerate()
                .all(|(at, row)| row.parent.is_none_or(|parent| parent < at))
        );
        let night = rows
            .iter()
            .filter(|row| row.seconds % 86_400 < 6 * 3_600)
            .count();
        assert!(night * 5 < rows.len(), "{night} of 500 at night");
        assert_eq!(rows, generate(&model(20, 500), 3));
    }

    #[test]
    fn odd_sizes_are_no_trouble() {
        for (authors, messages) in [(1, 1), (1, 50), (50, 1), (5, 7), (100, 101)] {
            let rows = generate(&model(authors, messages), 4);
            assert_eq!(rows.len(), messages);
            assert!(rows.iter().all(|row| row.author < authors));
        }
    }
}
