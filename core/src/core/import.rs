//! Documents that a user has from elsewhere than a link: out of a file, or from another of
//! the user's nodes (PROTOCOL.md, *Import*).
//!
//! Nobody offered such a document, so nobody counts on us in its network, and nothing is known
//! of one that may exist. It is held with a network of this node alone, which then looks for
//! others as any node does that has no neighbour left (*Mend*).

use super::Core;
use super::delivery::Pending;
use crate::document::Document;
use crate::effect::{CommandError, Notification};
use crate::id::{DocumentId, RequestId, Tag};
use crate::message::{CloseReason, Message, Mode};
use crate::overlay::{Overlay, Stage};
use crate::violation::Violation;

/// What a user wants with a document.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct ImportWish {
    /// A document here that attaches it.
    pub(super) via: Option<DocumentId>,
    /// Own part in its network.
    pub(super) mode: Option<Mode>,
}

impl Core {
    /// A user's document goes to be verified; one that is held already only gets the wish.
    /// True if it is done.
    pub(super) fn import(
        &mut self,
        request: RequestId,
        document: &Document,
        wish: ImportWish,
    ) -> Result<bool, CommandError> {
        let tag = document.tag();
        let above = self.attaching(wish.via, tag);
        if wish.mode.is_none() && !self.would_stay(document, above) {
            return Err(CommandError::NotHeld);
        }
        let stage = self.overlays.get(&tag).map(|overlay| overlay.stage);
        if matches!(stage, Some(Stage::Holding | Stage::Leaving)) {
            self.take_wish(tag, above, wish.mode);
            return Ok(true);
        }
        if self.delivery.awaits(tag)
            || (stage.is_none() && self.overlays.len() >= self.config.max_documents)
            || self.delivery.pending_bytes() > self.config.admission_window
        {
            return Err(CommandError::Busy);
        }
        self.admit_import(request, document, wish);
        Ok(false)
    }

    /// Something here keeps the document without a wish of its own.
    fn would_stay(&self, document: &Document, above: Option<Tag>) -> bool {
        let subscribed = |tag: Tag| {
            let overlay = self.overlays.get(&tag);
            overlay.is_some_and(Overlay::subscribes)
        };
        let own = self.overlays.get(&document.tag());
        let mut parents = document.parents().iter().map(|id| self.suite.tag(id));
        own.is_some_and(Overlay::wanted) || parents.any(subscribed) || above.is_some_and(subscribed)
    }

    /// The document that attaches another, if it is here and does.
    fn attaching(&self, via: Option<DocumentId>, tag: Tag) -> Option<Tag> {
        let via = self.suite.tag(&via?);
        let overlay = self.overlays.get(&via)?;
        (overlay.active() && overlay.children.contains(&tag)).then_some(via)
    }

    fn take_wish(&mut self, tag: Tag, above: Option<Tag>, mode: Option<Mode>) {
        if let Some(above) = above {
            self.add_comment(above, tag);
        }
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        if mode.is_some() {
            overlay.wishes.chosen = mode;
            overlay.wishes.bookmarked |= mode == Some(Mode::Hold);
        }
        if overlay.stage == Stage::Leaving && mode.is_some() {
            overlay.come_back();
        }
        self.recompute(tag);
        self.unsaved(tag);
        self.touch(tag);
    }

    /// It is verified and durable: its network begins here, or goes on where a Join waited.
    pub(super) fn enter_import(
        &mut self,
        document: &Document,
        request: RequestId,
        wish: ImportWish,
    ) {
        let tag = document.tag();
        let above = self.attaching(wish.via, tag);
        let joined = self.overlays.contains_key(&tag);
        if joined {
            self.complete_join(tag, document);
        } else {
            let mut overlay = self.newborn(document);
            overlay.inherited = !document.parents().is_empty();
            self.overlays.insert(tag, overlay);
        }
        self.attach(tag, document);
        self.take_wish(tag, above, wish.mode);
        self.offer_import(tag);
        self.save_records();
        self.notify(Notification::Done(request, Some(document.id())));
        let hidden = self.blocked_authors.contains(&document.author_id());
        let mode = self.overlays.get(&tag).map_or(Mode::Hold, |o| o.mode);
        self.notify(Notification::Arrived {
            document: document.id(),
            mode,
            hidden,
        });
        self.touch(tag);
        self.replay_early(tag);
        if joined {
            self.replay_parked(tag);
        }
    }

    /// Subscribers of the documents on which it comments may not have it: where this node
    /// subscribes they compare (*Lazy push*), elsewhere it is handed over (*Hand over*).
    fn offer_import(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get(&tag) else {
            return;
        };
        let parents = overlay.parents.iter().map(|(parent, _)| *parent);
        let held = parents.filter(|parent| self.overlays.contains_key(parent));
        let held: Vec<Tag> = held.collect();
        for parent in &held {
            self.announce_astray(*parent);
        }
        let pushed = |parent: &Tag| self.overlays.get(parent).is_some_and(|o| !o.subscribes());
        let alone = !held.is_empty() && held.iter().all(pushed);
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            overlay.wishes.authored |= alone;
        }
    }

    /// Peers pushed what a user took in with a wrong signature.
    pub(super) fn refuse_import(&mut self, request: RequestId, pending: Pending) {
        for (link, _, _) in pending.offers {
            self.violation(link, Violation::ForgedDocument);
        }
        self.notify(Notification::Failed(request, CommandError::Forged));
    }

    /// Peers pushed it while it was verified: they must not count on a place that they were not
    /// given.
    pub(super) fn meet_offers(&mut self, pending: &Pending) {
        let tag = pending.document.tag();
        for (link, frame, state) in &pending.offers {
            let Some(state) = state else { continue };
            let room = self
                .overlays
                .get(&tag)
                .is_some_and(|o| o.active() && o.degree() < self.config.max_peers);
            if room {
                self.accept(*link, *frame, tag, state);
            } else {
                self.say(*link, Message::Close(tag, CloseReason::Full));
            }
        }
    }
}
