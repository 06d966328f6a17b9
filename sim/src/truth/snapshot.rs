//! Builds the ground truth of an instant. What nodes say about themselves comes
//! through a closure, so that this file knows no hosts.

use super::{Cell, Number, Truth};
use crate::snapshot::{DocumentTruth, Index, Membership};
use cliqueclique_core::id::Tag;
use cliqueclique_core::message::Mode;
use cliqueclique_core::view::OverlayView;
use std::collections::BTreeMap;

impl Truth {
    /// One document's truth. `view` gives a node's own view of it; `others` names
    /// nodes that have a view though disks and wishes say nothing of it.
    pub(crate) fn document(
        &self,
        number: Number,
        others: &[Index],
        view: impl Fn(Index, Tag) -> Option<OverlayView>,
    ) -> DocumentTruth {
        let entry = self.entry(number);
        let tags = |numbers: &[Number]| {
            let mut tags: Vec<Tag> = numbers
                .iter()
                .map(|&n| self.entry(n).document.tag())
                .collect();
            tags.sort_unstable();
            tags
        };
        let members = (0..self.nodes())
            .filter_map(|node| {
                Some((
                    node,
                    self.membership(number, node, others.contains(&node), &view)?,
                ))
            })
            .collect::<BTreeMap<_, _>>();
        DocumentTruth {
            id: entry.document.id(),
            parents: tags(&entry.parents),
            comments: tags(&entry.comments),
            author: entry.author,
            published: entry.published,
            members,
        }
    }

    fn membership(
        &self,
        number: Number,
        node: Index,
        seen: bool,
        view: &impl Fn(Index, Tag) -> Option<OverlayView>,
    ) -> Option<Membership> {
        let cell = self.entry(number).cell(node);
        let interest = self.interest(number, node);
        if interest.is_none() && !seen && !cell.has(Cell::HELD | Cell::EXPLICIT) {
            return None;
        }
        let view = view(node, self.entry(number).document.tag());
        if interest.is_none() && view.is_none() && cell.mode() == Mode::Hold {
            return None;
        }
        Some(Membership {
            interest,
            wish: cell.mode(),
            view,
            held: cell.has(Cell::HELD),
            comments_held: self.comments_held(number, node),
        })
    }

    fn comments_held(&self, number: Number, node: Index) -> Vec<Tag> {
        let held = |&&comment: &&Number| self.holds(comment, node);
        let comments = self.entry(number).comments.iter().filter(held);
        let mut tags: Vec<Tag> = comments
            .map(|&comment| self.entry(comment).document.tag())
            .collect();
        tags.sort_unstable();
        tags
    }
}
