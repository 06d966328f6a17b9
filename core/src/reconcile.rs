//! Range-based set reconciliation (Meyer 2022, "Range-Based Set Reconciliation"):
//! two sides narrow down where their sets of tags differ. Costs grow with the
//! difference, not with the set. Pure; what the sets mean is not known here.

use crate::config::{MAX_TAGS, RECONCILE_FANOUT, RECONCILE_LEAF};
use crate::id::Tag;
use crate::message::{Range, RangeContent, SetDigest};
use crate::overlay::comments::digest_of;

/// Tags from `from` (inclusive) to `to` (exclusive; `None`: the end) of a sorted slice.
pub(crate) fn slice(tags: &[Tag], from: Tag, to: Option<Tag>) -> &[Tag] {
    let start = tags.partition_point(|tag| *tag < from);
    let end = to.map_or(tags.len(), |to| tags.partition_point(|tag| *tag < to));
    &tags[start..end.max(start)]
}

/// One step on our sorted tags; `None` if their ranges are not in order.
pub(crate) fn step(ours: &[Tag], ranges: &[Range]) -> Option<Step> {
    if !ranges.windows(2).all(|pair| pair[0].from < pair[1].from) {
        return None;
    }
    let mut step = Step::default();
    for (at, range) in ranges.iter().enumerate() {
        let end = ranges.get(at + 1).map(|next| next.from);
        step.take(slice(ours, range.from, end), range, end);
    }
    if step
        .reply
        .iter()
        .all(|range| range.content == RangeContent::Skip)
    {
        step.reply.clear();
    }
    Some(step)
}

/// One step of a reconciliation, as it is put together.
#[derive(Default)]
pub(crate) struct Step {
    /// What to answer.
    pub(crate) reply: Vec<Range>,
    /// They have it, we do not.
    pub(crate) missing: Vec<Tag>,
    /// We have it, they do not.
    pub(crate) extra: Vec<Tag>,
    tags: usize,
}

impl Step {
    /// Takes one range of theirs; `ours` is what we have there.
    fn take(&mut self, ours: &[Tag], range: &Range, end: Option<Tag>) {
        if self.reply.len() >= MAX_TAGS - 2 * RECONCILE_FANOUT || self.tags >= MAX_TAGS {
            return self.push(range.from, RangeContent::Skip);
        }
        match &range.content {
            RangeContent::Skip => self.push(range.from, RangeContent::Skip),
            RangeContent::Digest(theirs) if *theirs == digest_of(ours) => {
                self.push(range.from, RangeContent::Skip)
            }
            RangeContent::Digest(theirs) => self.differ(ours, range.from, *theirs),
            RangeContent::Tags(theirs, wants_ours) => {
                let within = |tag: &&Tag| **tag >= range.from && end.is_none_or(|end| **tag < end);
                self.missing.extend(
                    theirs
                        .iter()
                        .filter(within)
                        .filter(|tag| ours.binary_search(tag).is_err()),
                );
                if *wants_ours {
                    self.extra
                        .extend(ours.iter().filter(|tag| !theirs.contains(tag)));
                }
                self.push(range.from, RangeContent::Skip);
            }
        }
    }

    fn differ(&mut self, ours: &[Tag], from: Tag, theirs: SetDigest) {
        let empty = theirs.count == 0;
        if empty || ours.len() <= RECONCILE_LEAF {
            let some: Vec<Tag> = ours.iter().copied().take(MAX_TAGS - self.tags).collect();
            self.tags += some.len();
            return self.push(from, RangeContent::Tags(some, !empty));
        }
        let step = ours.len().div_ceil(RECONCILE_FANOUT);
        for (at, chunk) in ours.chunks(step).enumerate() {
            let from = if at == 0 { from } else { chunk[0] };
            self.push(from, RangeContent::Digest(digest_of(chunk)));
        }
    }

    /// Adds a range; neighbouring skips become one.
    fn push(&mut self, from: Tag, content: RangeContent) {
        let skips = |range: &Range| range.content == RangeContent::Skip;
        if content == RangeContent::Skip && self.reply.last().is_some_and(skips) {
            return;
        }
        self.reply.push(Range { from, content });
    }
}
