//! Which networks are drawn: the first forum's and the largest ones, at every
//! snapshot up to a bound.

use super::RunSummary;
use super::layout::layout;
use super::overlay::{MOST, draw};
use super::plot::figure;
use super::words::{count, plural, seconds};
use crate::snapshot::{DocumentTruth, Snapshot};
use cliqueclique_core::id::Tag;

/// Most snapshots drawn of one document.
const SNAPSHOTS: usize = 6;
/// Documents drawn beside the first forum.
const LARGEST: usize = 2;

/// One section for each document drawn.
pub(super) fn sections(summary: &RunSummary<'_>) -> Vec<String> {
    let last = &summary.outcome.last;
    let mut snapshots: Vec<&Snapshot> = summary
        .snapshots
        .iter()
        .filter(|snapshot| snapshot.time < last.time)
        .collect();
    let left_out = (snapshots.len() + 1).saturating_sub(SNAPSHOTS);
    let every = snapshots.len().div_ceil(SNAPSHOTS - 1).max(1);
    snapshots = snapshots.into_iter().step_by(every).collect();
    snapshots.push(last);
    let note = if left_out > 0 {
        format!(
            " Drawn at {} of {} snapshots.",
            snapshots.len(),
            count((summary.snapshots.len() + 1) as u64)
        )
    } else {
        String::new()
    };
    chosen(last)
        .into_iter()
        .map(|(tag, what)| section(&snapshots, tag, what, &note))
        .collect()
}

/// Documents to draw, with what they are.
fn chosen(snapshot: &Snapshot) -> Vec<(Tag, &'static str)> {
    let forums = snapshot
        .documents
        .iter()
        .filter(|(_, truth)| truth.parents.is_empty());
    let first = forums
        .min_by_key(|(tag, truth)| (truth.published, **tag))
        .map(|(tag, _)| *tag);
    let mut sizes: Vec<_> = snapshot
        .documents
        .iter()
        .map(|(tag, truth)| (live_holders(snapshot, truth), *tag))
        .collect();
    sizes.sort_by_key(|(size, tag)| (std::cmp::Reverse(*size), *tag));
    let largest = sizes
        .into_iter()
        .filter(|(size, tag)| *size > 1 && Some(*tag) != first)
        .take(LARGEST);
    let first = first.map(|tag| (tag, "The first forum"));
    first
        .into_iter()
        .chain(largest.map(|(_, tag)| (tag, "One of the largest networks")))
        .collect()
}

fn live_holders(snapshot: &Snapshot, truth: &DocumentTruth) -> usize {
    let holds = |(node, member): &(&usize, &crate::snapshot::Membership)| {
        snapshot.nodes[**node].alive && member.view.as_ref().is_some_and(|view| view.holds)
    };
    truth.members.iter().filter(holds).count()
}

fn section(snapshots: &[&Snapshot], tag: Tag, what: &str, note: &str) -> String {
    let drawings: String = snapshots
        .iter()
        .filter_map(|snapshot| drawing(snapshot, tag))
        .collect();
    format!(
        "<section><h2>{what}: document <code>{tag}</code></h2><div class=\"legend\">\
         <span><span class=\"key r\"></span>overlay root</span><span><span class=\"key f\"></span>subscriber</span>\
         <span><span class=\"key o\"></span>only holds it</span><span><span class=\"key t\"></span>tree, along which comments are pushed</span>\
         <span><span class=\"key c\"></span>other relations</span></div><div class=\"grid\">{drawings}</div>\
         <p class=\"soft\">Rings are hops from the overlay root.{note}</p></section>\n"
    )
}

fn drawing(snapshot: &Snapshot, tag: Tag) -> Option<String> {
    let truth = snapshot.documents.get(&tag)?;
    let picture = layout(snapshot, tag, MOST);
    let mut caption = format!(
        "{}, {}",
        plural(live_holders(snapshot, truth) as u64, "live holder"),
        plural(truth.comments.len() as u64, "comment")
    );
    if picture.left_out > 0 {
        caption += &format!(
            "; the {MOST} nearest to the overlay root are drawn, {} are not",
            count(picture.left_out as u64)
        );
    }
    let heading = format!("after {}", seconds(snapshot.time.as_secs_f64()));
    Some(figure(&heading, &draw(&picture, &[]), &caption))
}
