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

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(n: u8) -> Tag {
        Tag([n; 8])
    }

    fn tags(numbers: impl IntoIterator<Item = u8>) -> Vec<Tag> {
        numbers.into_iter().map(tag).collect()
    }

    fn whole(content: RangeContent) -> Vec<Range> {
        let from = Tag([0; 8]);
        vec![Range { from, content }]
    }

    /// Both sides answer each other until one has nothing to say: what the side that
    /// speaks second lacks and has alone, and the number of messages.
    fn compare(first: &[Tag], second: &[Tag]) -> (Vec<Tag>, Vec<Tag>, usize) {
        let mut ranges = whole(RangeContent::Digest(digest_of(first)));
        let (mut only_first, mut only_second) = (Vec::new(), Vec::new());
        for messages in 1..100 {
            let to_second = messages % 2 == 1;
            let ours = if to_second { second } else { first };
            let answer = step(ours, &ranges).expect("in order");
            let (theirs, own) = (answer.missing, answer.extra);
            only_first.extend(if to_second { &theirs } else { &own });
            only_second.extend(if to_second { &own } else { &theirs });
            if answer.reply.is_empty() {
                only_first.sort_unstable();
                only_second.sort_unstable();
                return (only_first, only_second, messages);
            }
            ranges = answer.reply;
        }
        panic!("no end");
    }

    #[test]
    fn a_slice_is_bounded_by_both_ends() {
        let all = tags(1..=3);
        assert_eq!(slice(&all, tag(2), None), tags([2, 3]));
        assert_eq!(slice(&all, tag(1), Some(tag(3))), tags([1, 2]));
        assert_eq!(slice(&all, tag(4), Some(tag(3))), []);
    }

    #[test]
    fn equal_sets_end_at_once() {
        for set in [tags([]), tags(1..=3), tags(0..200)] {
            assert_eq!(compare(&set, &set), (tags([]), tags([]), 1));
        }
    }

    #[test]
    fn disjoint_sets_are_exchanged_whole() {
        let few = (tags([1, 3]), tags([2, 4]));
        assert_eq!(compare(&few.0, &few.1), (few.0.clone(), few.1.clone(), 2));
        assert_eq!(compare(&[], &few.1), (tags([]), few.1.clone(), 2));
        let many = (tags((0..200).step_by(2)), tags((1..200).step_by(2)));
        let (first, second, _) = compare(&many.0, &many.1);
        assert_eq!((first, second), many);
    }

    #[test]
    fn a_small_difference_of_large_sets_is_found() {
        let all = tags(0..200);
        let without = |n| {
            all.iter()
                .copied()
                .filter(|t| *t != tag(n))
                .collect::<Vec<_>>()
        };
        let (first, second, messages) = compare(&without(7), &without(150));
        assert_eq!((first, second), (tags([150]), tags([7])));
        assert!(messages <= 5, "{messages}");
    }

    #[test]
    fn tags_are_answered_by_what_they_lack_if_wanted() {
        let answer = |wants| {
            let step = step(
                &tags([1, 2]),
                &whole(RangeContent::Tags(tags([2, 3]), wants)),
            );
            let step = step.expect("in order");
            assert_eq!(step.reply, [], "skips alone are not sent");
            (step.missing, step.extra)
        };
        assert_eq!(answer(true), (tags([3]), tags([1])));
        assert_eq!(answer(false), (tags([3]), tags([])));
    }

    #[test]
    fn what_lies_outside_its_range_does_not_count() {
        let ranges = [
            Range {
                from: tag(2),
                content: RangeContent::Tags(tags([1, 3, 6]), true),
            },
            Range {
                from: tag(5),
                content: RangeContent::Skip,
            },
        ];
        let step = step(&tags([0, 4, 7]), &ranges).expect("in order");
        assert_eq!((step.missing, step.extra), (tags([3]), tags([4])));
    }

    #[test]
    fn ranges_out_of_order_are_refused() {
        let range = |n| Range {
            from: tag(n),
            content: RangeContent::Skip,
        };
        let refused = |ranges: &[Range]| step(&tags([1]), ranges).is_none();
        assert!(refused(&[range(2), range(1)]));
        assert!(refused(&[range(1), range(1)]));
        assert!(!refused(&[range(1), range(2)]));
        assert!(!refused(&[]));
    }
}
