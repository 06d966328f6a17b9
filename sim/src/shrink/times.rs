//! It takes less time: shorter pauses between events, round times, an earlier end.

use super::candidate::time;
use super::search::Search;
use crate::scenario::script::Script;
use std::time::Duration;

/// Pauses between events, from the longest on: none, a second, half of what it was.
pub(super) fn gaps(search: &mut Search<'_>) {
    search.pass("times");
    let gap = |script: &Script, at: usize| {
        let before = at
            .checked_sub(1)
            .map_or(Duration::ZERO, |b| script.schedule[b].at);
        script.schedule[at].at.saturating_sub(before)
    };
    let mut order: Vec<usize> = (0..search.best.script().schedule.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(gap(search.best.script(), at)));
    for at in order {
        for _ in 0..4 {
            let now = gap(search.best.script(), at);
            let shorter = [Duration::from_secs(1), now / 2];
            let taken = shorter
                .into_iter()
                .filter(|&shorter| shorter < now && now > Duration::from_millis(10))
                .any(|shorter| earlier(search, at, now - shorter));
            if !taken {
                break;
            }
        }
    }
}

/// All from entry `from` on happens so much earlier.
fn earlier(search: &mut Search<'_>, from: usize, by: Duration) -> bool {
    let mut script = search.best.script().clone();
    for entry in &mut script.schedule[from..] {
        entry.at = entry.at.saturating_sub(by);
    }
    search.take_script(script)
}

/// Times in whole seconds, or in tenths.
pub(super) fn round(search: &mut Search<'_>) {
    search.pass("round times");
    for unit in [1_000, 100, 10] {
        let mut script = search.best.script().clone();
        for entry in &mut script.schedule {
            let units = entry.at.as_millis().div_ceil(unit);
            entry.at = Duration::from_millis(u64::try_from(units * unit).unwrap_or(0));
        }
        if script == *search.best.script() || search.take_script(script) {
            return;
        }
    }
}

/// The busy time ends soon after the last event.
pub(super) fn end(search: &mut Search<'_>) {
    search.pass("end");
    let last = search.size().lasts;
    let now = search.best.scenario().duration;
    let half = whole(last + now.saturating_sub(last) / 2);
    for after in [0, 1, 10, 60] {
        let end = whole(last + Duration::from_secs(after) + Duration::from_millis(1));
        if end < now && until(search, end) {
            return;
        }
    }
    if half < now {
        until(search, half);
    }
}

fn until(search: &mut Search<'_>, end: Duration) -> bool {
    let sample = search.best.scenario().sample.min(end);
    search.take_frame(|frame| {
        frame.insert("duration".to_owned(), time(end));
        if frame.contains_key("sample") {
            frame.insert("sample".to_owned(), time(sample));
        }
    })
}

/// Up to whole milliseconds.
fn whole(time: Duration) -> Duration {
    let millis = time.as_micros().div_ceil(1_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
