//! Users' commands, and what follows from wishes for documents and their comments
//! (PROTOCOL.md, *Wishes*).

use super::Core;
use super::contact::Ending;
use super::import::ImportWish;
use super::records::Parked;
use crate::config::{MAX_ADDRESS, MAX_RELATIVES};
use crate::document::{Document, Draft};
use crate::effect::{CommandError, Notification, Record};
use crate::id::{Address, DocumentId, NodeId, RequestId, Tag};
use crate::input::Command;
use crate::link::LinkId;
use crate::message::{Message, Mode, Rank};
use crate::overlay::{Overlay, Root, RootKey, Stage};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Core {
    /// A user's command.
    pub(super) fn on_command(&mut self, request: RequestId, command: Command) {
        if self.stopping {
            self.notify(Notification::Failed(request, CommandError::Stopping));
            return;
        }
        if let Some(tag) = self.cold_subject(&command) {
            self.park(tag, Parked::Command(request, Box::new(command)));
            return;
        }
        let outcome = self.perform(request, command);
        match outcome {
            Ok(true) => self.notify(Notification::Done(request, None)),
            Ok(false) => {}
            Err(error) => self.notify(Notification::Failed(request, error)),
        }
    }

    /// What a command is about and must be in memory for it, if something of it is cold.
    fn cold_subject(&self, command: &Command) -> Option<Tag> {
        let own;
        let (first, second, third): (&[DocumentId], &[DocumentId], &[DocumentId]) = match command {
            Command::Subscribe(id, _) | Command::Bookmark(id, _) | Command::Forget(id) => {
                (std::slice::from_ref(id), &[], &[])
            }
            Command::Join { document, .. } => (std::slice::from_ref(document), &[], &[]),
            Command::Publish {
                parents, children, ..
            } => (&[], parents, children),
            Command::Import { document, .. } => {
                own = [document.id()];
                (&own, document.parents(), document.children())
            }
            Command::BlockAuthor(..)
            | Command::BlockPeer(..)
            | Command::SetAddress(_)
            | Command::Shutdown => return None,
        };
        let mut tags = first.iter().chain(second).chain(third);
        tags.find_map(|id| Some(self.suite.tag(id)).filter(|tag| self.is_cold(*tag)))
    }

    /// Performs a command; true if it is done, false if its answer comes later.
    fn perform(&mut self, request: RequestId, command: Command) -> Result<bool, CommandError> {
        match command {
            Command::Publish {
                parents,
                children,
                body,
                mode,
                created,
            } => {
                let founder = mode.subscribes();
                let draft = Draft {
                    parents,
                    children,
                    body,
                    created: created.unwrap_or(self.wall()).min(self.wall()),
                    founder,
                };
                return self.write(request, &draft, mode).map(|()| false);
            }
            Command::Join {
                document,
                address,
                mode,
            } => self.join(document, address, mode)?,
            Command::Subscribe(id, mode) => {
                self.wish(&id, |overlay| overlay.wishes.chosen = Some(mode))?
            }
            Command::Bookmark(id, on) => {
                self.wish(&id, |overlay| overlay.wishes.bookmarked = on)?
            }
            Command::Forget(id) => self.wish(&id, |overlay| {
                overlay.wishes.bookmarked = false;
                overlay.wishes.authored = false;
                overlay.wishes.chosen = Some(Mode::Hold);
            })?,
            Command::BlockAuthor(author, on) => toggle(&mut self.blocked_authors, author, on),
            Command::BlockPeer(peer, on) => self.block_peer(peer, on),
            Command::SetAddress(address) => self.set_address(address)?,
            Command::Shutdown => self.shut_down(),
            Command::Import {
                document,
                via,
                mode,
            } => return self.import(request, &document, ImportWish { via, mode }),
        }
        self.unsaved.insert(Record::Node);
        Ok(true)
    }

    fn write(&mut self, request: RequestId, draft: &Draft, mode: Mode) -> Result<(), CommandError> {
        if draft.parents.len() > MAX_RELATIVES {
            return Err(CommandError::Limits);
        }
        let held = |id: &DocumentId| {
            self.overlays
                .get(&self.suite.tag(id))
                .is_some_and(Overlay::active)
        };
        if !draft.parents.iter().all(held) {
            return Err(CommandError::NotHeld);
        }
        if self.overlays.len() >= self.config.max_documents {
            return Err(CommandError::Busy);
        }
        let document =
            Document::sign(draft, &self.secret, &*self.suite).map_err(|_| CommandError::Limits)?;
        if self.delivery.awaits(document.tag()) || self.overlays.contains_key(&document.tag()) {
            // Written a moment ago, word for word: it is the same document.
            return Err(CommandError::Duplicate);
        }
        self.admit_own(request, document, mode);
        Ok(())
    }

    fn join(&mut self, id: DocumentId, address: Address, mode: Mode) -> Result<(), CommandError> {
        let tag = self.suite.tag(&id);
        if address.0.len() > MAX_ADDRESS || self.overlays.len() >= self.config.max_documents {
            return Err(CommandError::Limits);
        }
        if !self.overlays.contains_key(&tag) {
            let key = self.own_key(Rank::Holder);
            let root = self.claim(&id, key);
            self.overlays
                .insert(tag, Overlay::new(id, Stage::Joining, key, root));
        }
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return Ok(());
        };
        overlay.wishes.chosen = Some(mode);
        overlay.wishes.bookmarked |= mode == Mode::Hold;
        if !overlay.doors.contains(&address) && overlay.doors.len() < MAX_RELATIVES {
            overlay.doors.push(address);
        }
        if overlay.stage == Stage::Leaving {
            overlay.come_back();
        }
        self.recompute(tag);
        self.unsaved(tag);
        self.touch(tag);
        Ok(())
    }

    fn wish(
        &mut self,
        id: &DocumentId,
        change: impl FnOnce(&mut Overlay),
    ) -> Result<(), CommandError> {
        let tag = self.suite.tag(id);
        let overlay = self
            .overlays
            .get_mut(&tag)
            .filter(|overlay| overlay.stage != Stage::Leaving);
        change(overlay.ok_or(CommandError::NotHeld)?);
        self.recompute(tag);
        self.unsaved(tag);
        self.touch(tag);
        Ok(())
    }

    fn block_peer(&mut self, peer: NodeId, on: bool) {
        toggle(&mut self.peers.blocked, peer, on);
        if let (true, Some(link)) = (on, self.link_of(peer)) {
            self.drop_link(link, Ending::Closed);
        }
    }

    fn set_address(&mut self, address: Address) -> Result<(), CommandError> {
        if address.0.len() > MAX_ADDRESS {
            return Err(CommandError::Limits);
        }
        self.address = address.clone();
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        links
            .into_iter()
            .for_each(|link| self.say(link, Message::Moved(address.clone())));
        Ok(())
    }

    fn shut_down(&mut self) {
        self.stopping = true;
        let tags: Vec<Tag> = self.overlays.keys().copied().collect();
        tags.into_iter().for_each(|tag| self.touch(tag));
        self.recall_all();
        self.stop_if_done();
    }

    /// After a shutdown: closes the links when all networks are left.
    pub(super) fn stop_if_done(&mut self) {
        if !self.overlays.is_empty() {
            return;
        }
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            self.flush(link);
            self.close_link(link);
        }
        self.notify(Notification::Stopped);
    }

    /// A key of a new claim: its sequence is above all before.
    pub(super) fn own_key(&mut self, rank: Rank) -> RootKey {
        self.sequence = (self.sequence + 1).max(self.wall().0);
        self.sequence_grew();
        RootKey::first(rank, self.id, self.sequence)
    }

    /// Signs the claim for an own key.
    pub(super) fn claim(&self, document: &DocumentId, key: RootKey) -> Arc<Root> {
        Root::own(key, document, self.key, &self.secret, &*self.suite)
    }

    /// Works out the mode from own and inherited wishes, and what follows for
    /// neighbours and for the comments.
    pub(super) fn recompute(&mut self, tag: Tag) {
        let mut work = vec![tag];
        while let Some(tag) = work.pop() {
            if self.recompute_one(tag) {
                work.extend(self.pass_on(tag));
            }
        }
    }

    /// True if the mode changed.
    fn recompute_one(&mut self, tag: Tag) -> bool {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return false;
        };
        overlay.wishes.comment = overlay.parents.iter().any(|(_, mode)| mode.subscribes());
        if overlay.stage == Stage::Leaving {
            if self.stopping || !overlay.wishes.comment {
                return false;
            }
            // A parent was subscribed to again meanwhile.
            overlay.come_back();
        }
        let inherited = overlay
            .parents
            .iter()
            .map(|(_, mode)| mode.inherited())
            .max()
            .unwrap_or_default();
        let mode = overlay.wishes.chosen.unwrap_or(inherited);
        let (before, rank) = (overlay.mode, overlay.key.rank);
        overlay.mode = mode;
        if before.subscribes() != mode.subscribes() {
            overlay.caught_up = false;
        }
        let ordinary = if mode.subscribes() {
            Rank::Subscriber
        } else {
            Rank::Holder
        };
        let stays = rank.of_birth() && rank.subscribes() == mode.subscribes();
        if !stays && ordinary != rank {
            let key = self.own_key(ordinary);
            if let Some(overlay) = self.overlays.get_mut(&tag) {
                overlay.key = key;
            }
        }
        self.touch(tag);
        if mode != before {
            self.unsaved(tag);
            self.on_mode(tag, before, mode);
        }
        mode != before
    }

    fn on_mode(&mut self, tag: Tag, before: Mode, mode: Mode) {
        // Only what a user chose can have comments here already: the scan is for those.
        let explicit = self
            .overlays
            .get(&tag)
            .is_some_and(|overlay| overlay.wishes.chosen.is_some());
        if let Some(overlay) = self.overlays.get_mut(&tag).filter(|_| mode > before) {
            overlay.spent %= crate::overlay::activity::CLIMB_ONE;
        }
        if mode.subscribes() && !before.subscribes() {
            self.drop_what_was_handed_over(tag);
        }
        if mode.subscribes() && !before.subscribes() && explicit {
            let comments = |overlay: &Overlay| {
                overlay.holds() && overlay.parents.iter().any(|(parent, _)| *parent == tag)
            };
            let held: Vec<Tag> = self
                .overlays
                .iter()
                .filter(|(_, o)| comments(o))
                .map(|(held, _)| *held)
                .collect();
            held.into_iter()
                .for_each(|comment| self.add_comment(tag, comment));
        }
        if mode.subscribes() && !before.subscribes() {
            self.tell_digest_to_subscribers(tag);
        }
    }

    /// A comment that was written here without subscribing, and handed over, is not here any more:
    /// who subscribes now must get it like any other.
    fn drop_what_was_handed_over(&mut self, tag: Tag) {
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return;
        };
        let mut comments = std::mem::take(&mut overlay.comments);
        comments.retain(|comment| self.overlays.contains_key(&comment) || self.is_cold(comment));
        if let Some(overlay) = self.overlays.get_mut(&tag) {
            overlay.comments = comments;
        }
    }

    /// A comment that was taken for a cold one is not here: it was handed over and dropped.
    pub(super) fn drop_comment(&mut self, parent: Tag, comment: Tag) {
        if self.delivery.awaits(comment) {
            return;
        }
        let Some(overlay) = self.overlays.get_mut(&parent) else {
            return;
        };
        let before = overlay.comments.digest();
        overlay.comments.retain(|other| other != comment);
        let (subscribes, after) = (overlay.subscribes(), overlay.comments.digest());
        if subscribes && before != after {
            self.tell_digest_to_subscribers(parent);
        }
    }

    /// Tells the comments of a document its new mode; gives those to look at.
    fn pass_on(&mut self, tag: Tag) -> Vec<Tag> {
        let authored = |comment: &Tag| {
            let comment = self.overlays.get(comment);
            comment.is_some_and(|overlay| overlay.wishes.authored)
        };
        let own = self.overlays.get(&tag).map_or(Vec::new(), |overlay| {
            let comments = overlay.comments.tags().iter().copied();
            comments.filter(authored).collect()
        });
        let Some(overlay) = self.overlays.get_mut(&tag) else {
            return Vec::new();
        };
        let mode = overlay.mode;
        let comments = overlay.comments.tags().to_vec();
        if !mode.subscribes() {
            overlay.comments = Default::default();
            // Those that nobody else has yet are still to be offered (rule *Hand over*).
            own.into_iter().for_each(|comment| {
                overlay.comments.insert(comment);
            });
            if let Some(activity) = &mut overlay.activity {
                activity.wants = Default::default();
                activity.lazy = None;
                activity.comparisons.clear();
            }
        }
        let mut hot = Vec::new();
        for comment in comments {
            if self.overlays.contains_key(&comment) {
                self.note_parent_mode(comment, tag, mode);
                hot.push(comment);
            } else if self.is_cold(comment) {
                self.park(comment, Parked::ParentMode(tag, mode));
            }
        }
        hot
    }

    /// A parent that was cold, or changed while this was, has another mode.
    pub(super) fn on_parent_mode(&mut self, tag: Tag, parent: Tag, mode: Mode) {
        if self.note_parent_mode(tag, parent, mode) {
            self.recompute(tag);
        }
    }

    /// Writes down what mode a parent has; true if it had another.
    pub(super) fn note_parent_mode(&mut self, tag: Tag, parent: Tag, mode: Mode) -> bool {
        let overlay = self.overlays.get_mut(&tag);
        let mut parents = overlay.into_iter().flat_map(|o| o.parents.iter_mut());
        let entry = parents.find(|(other, before)| *other == parent && *before != mode);
        let differs = entry.map(|entry| entry.1 = mode).is_some();
        if differs {
            self.unsaved(tag);
        }
        differs
    }
}

fn toggle(set: &mut BTreeSet<NodeId>, node: NodeId, on: bool) {
    if on {
        set.insert(node);
    } else {
        set.remove(&node);
    }
}
