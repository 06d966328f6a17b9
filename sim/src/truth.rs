//! What users wish and what disks hold: the truth against which the nodes'
//! opinions are checked. One byte per (document, node), kept up to date with
//! every publication, command and disk write, so that asking costs one lookup.
//!
//! A wish is either explicit (a command named the document) or inherited: who
//! follows a document follows its comments, unless told otherwise.

mod cell;
mod snapshot;

pub(crate) use cell::Cell;

use crate::snapshot::{Index, Interest};
use cliqueclique_core::document::Document;
use cliqueclique_core::id::{DocumentId, Tag};
use cliqueclique_core::message::Mode;
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// Number of a document, in order of publication.
pub(crate) type Number = usize;

/// Peers that could not be told yet what a node gave up take it for a follower of
/// new comments, too: for so long that counts as known to all. It is the time
/// after which a peer that cannot be reached is surely taken for gone.
const UNTOLD: Duration = Duration::from_secs(2 * 3_600);

/// One document and everybody's part in it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The document, shared by all disks.
    pub(crate) document: Document,
    /// Who wrote it.
    pub(crate) author: Index,
    /// When.
    pub(crate) published: Time,
    /// Documents that it is a comment of.
    pub(crate) parents: Vec<Number>,
    /// Its comments.
    pub(crate) comments: Vec<Number>,
    cells: Vec<Cell>,
    holders: usize,
    handed_over: bool,
}

impl Entry {
    /// One node's cell.
    pub(crate) fn cell(&self, node: Index) -> Cell {
        self.cells[node]
    }
}

/// All documents.
#[derive(Debug)]
pub(crate) struct Truth {
    nodes: usize,
    entries: Vec<Entry>,
    by_id: BTreeMap<DocumentId, Number>,
    by_tag: BTreeMap<Tag, Number>,
    /// Until when each node counts as one that gave something up lately.
    untold: Vec<Time>,
    now: Time,
}

impl Truth {
    /// No documents, for so many nodes.
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            nodes,
            entries: Vec::new(),
            by_id: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            untold: vec![Time::ZERO; nodes],
            now: Time::ZERO,
        }
    }

    /// Time goes on.
    pub(crate) fn advance(&mut self, now: Time) {
        self.now = now;
    }

    /// Number of nodes, started or not.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes
    }

    /// All documents by number.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One document.
    pub(crate) fn entry(&self, number: Number) -> &Entry {
        &self.entries[number]
    }

    /// Number of the document with this id.
    pub(crate) fn by_id(&self, id: &DocumentId) -> Option<Number> {
        self.by_id.get(id).copied()
    }

    /// Number of the document with this tag.
    pub(crate) fn by_tag(&self, tag: Tag) -> Option<Number> {
        self.by_tag.get(&tag).copied()
    }

    /// Adds a document at its publication; its wishes are inherited. `awake` says
    /// which nodes run.
    pub(crate) fn publish(
        &mut self,
        document: &Document,
        author: Index,
        awake: impl Fn(Index) -> bool,
    ) -> Number {
        let number = self.entries.len();
        let known = |ids: &[DocumentId]| {
            ids.iter()
                .filter_map(|id| self.by_id(id))
                .collect::<Vec<_>>()
        };
        let (parents, children) = (known(document.parents()), known(document.children()));
        let cells = (0..self.nodes)
            .map(|node| self.newborn(&parents, node, author, &awake))
            .collect();
        parents
            .iter()
            .for_each(|&parent| self.entries[parent].comments.push(number));
        children
            .iter()
            .for_each(|&child| self.entries[child].parents.push(number));
        self.by_id.insert(document.id(), number);
        self.by_tag.insert(document.tag(), number);
        self.entries.push(Entry {
            document: document.clone(),
            author,
            published: self.now,
            parents,
            comments: children.clone(),
            cells,
            holders: 0,
            handed_over: false,
        });
        for child in children {
            (0..self.nodes).for_each(|node| self.inherit(child, node));
        }
        number
    }

    /// Cell of a new comment: the inherited wish, and whether it is expected to
    /// come soon (the node runs, subscribes to a parent and holds it).
    fn newborn(
        &self,
        parents: &[Number],
        node: Index,
        author: Index,
        awake: &impl Fn(Index) -> bool,
    ) -> Cell {
        let mut cell = Cell::default();
        cell.set_mode(self.inherited(parents, node));
        let given_up = |&parent: &Number| self.entries[parent].cells[node].has(Cell::ONCE);
        cell.put(
            Cell::ONCE,
            self.now < self.untold[node] && parents.iter().any(given_up),
        );
        let subscribes = |&parent: &Number| {
            let above = self.entries[parent].cells[node];
            above.mode().subscribes() && above.has(Cell::HELD)
        };
        if node != author && awake(node) && parents.iter().any(subscribes) {
            cell.set(Cell::EXPECTED);
        }
        cell
    }

    fn inherited(&self, parents: &[Number], node: Index) -> Mode {
        parents
            .iter()
            .map(|&parent| self.entries[parent].cells[node].mode().inherited())
            .max()
            .unwrap_or_default()
    }

    /// Number of nodes that a new comment is expected to reach soon.
    pub(crate) fn expected(&self, number: Number) -> usize {
        self.entries[number]
            .cells
            .iter()
            .filter(|cell| cell.has(Cell::EXPECTED))
            .count()
    }

    /// A user sets the wish for a document.
    pub(crate) fn wish(&mut self, node: Index, number: Number, mode: Mode) {
        self.entries[number].cells[node].set(Cell::EXPLICIT);
        self.set_mode(number, node, mode);
    }

    /// A user sets or drops a bookmark.
    pub(crate) fn bookmark(&mut self, node: Index, number: Number, on: bool) {
        let cell = &mut self.entries[number].cells[node];
        cell.put(Cell::BOOKMARKED, on);
        if !on {
            self.remember(number, node);
        }
    }

    /// A user drops every wish for a document; those that follow from it go, too.
    /// As long as it is held on account of a parent it is not followed again.
    pub(crate) fn forget(&mut self, node: Index, number: Number) {
        self.entries[number].cells[node].clear(Cell::BOOKMARKED);
        self.remember(number, node);
        self.wish(node, number, Mode::Hold);
    }

    /// A user drops every wish for every document.
    pub(crate) fn forget_all(&mut self, node: Index) {
        for number in 0..self.entries.len() {
            let cell = &mut self.entries[number].cells[node];
            let before = *cell;
            cell.clear(Cell::EXPLICIT | Cell::BOOKMARKED | Cell::EXPECTED);
            cell.set_mode(Mode::Hold);
            if before.mode().subscribes() || before.has(Cell::BOOKMARKED | Cell::HELD) {
                self.remember(number, node);
            }
        }
    }

    fn set_mode(&mut self, number: Number, node: Index, mode: Mode) {
        let before = self.entries[number].cells[node].mode();
        if before == mode {
            return;
        }
        if before.subscribes() && !mode.subscribes() {
            self.remember(number, node);
        }
        self.entries[number].cells[node].set_mode(mode);
        self.inherit_below(number, node);
    }

    /// Takes an inherited wish; peers may not know yet what is given up by it.
    fn take(&mut self, number: Number, node: Index, mode: Mode) {
        let cell = &mut self.entries[number].cells[node];
        if cell.mode().subscribes() && !mode.subscribes() {
            cell.set(Cell::ONCE);
        }
        cell.set_mode(mode);
    }

    /// Takes the wish of a document without explicit one from its parents again.
    fn inherit(&mut self, number: Number, node: Index) {
        let cell = self.entries[number].cells[node];
        let mode = self.inherited(&self.entries[number].parents, node);
        if !cell.has(Cell::EXPLICIT) && cell.mode() != mode {
            self.take(number, node, mode);
            self.inherit_below(number, node);
        }
    }

    fn inherit_below(&mut self, number: Number, node: Index) {
        let mut waiting = self.entries[number].comments.clone();
        while let Some(comment) = waiting.pop() {
            let cell = self.entries[comment].cells[node];
            let mode = self.inherited(&self.entries[comment].parents, node);
            if cell.has(Cell::EXPLICIT) || cell.mode() == mode {
                continue;
            }
            self.take(comment, node, mode);
            waiting.extend_from_slice(&self.entries[comment].comments);
        }
    }

    /// True if the node subscribes to a document that this one comments on.
    pub(crate) fn subscribes_above(&self, number: Number, node: Index) -> bool {
        let parents = &self.entries[number].parents;
        parents
            .iter()
            .any(|&parent| self.entries[parent].cells[node].mode().subscribes())
    }

    /// True if the node subscribes, or once did, to a document that this one comments on.
    pub(crate) fn subscribed_above(&self, number: Number, node: Index) -> bool {
        let once = |&parent: &Number| {
            let cell = self.entries[parent].cells[node];
            cell.mode().subscribes() || cell.has(Cell::ONCE)
        };
        self.entries[number].parents.iter().any(once)
    }

    /// True if the node shares, or once shared, a document that this one comments on.
    pub(crate) fn shares_above(&self, number: Number, node: Index) -> bool {
        let mut parents = self.entries[number].parents.iter();
        parents.any(|&parent| self.shares(parent, node))
    }

    /// Why a node should hold a document.
    pub(crate) fn interest(&self, number: Number, node: Index) -> Option<Interest> {
        let entry = &self.entries[number];
        let cell = entry.cells[node];
        if cell.mode().subscribes() {
            return Some(Interest::Subscribed);
        }
        if cell.has(Cell::BOOKMARKED) {
            return Some(Interest::Bookmarked);
        }
        if self.subscribes_above(number, node) {
            return Some(Interest::Comment);
        }
        let alone = entry.author == node && !entry.handed_over && cell.has(Cell::HELD);
        alone.then_some(Interest::Author)
    }

    /// A disk stored a document. True if it was not there before.
    pub(crate) fn stored(&mut self, number: Number, node: Index) -> bool {
        let entry = &mut self.entries[number];
        let cell = &mut entry.cells[node];
        if cell.has(Cell::HELD) {
            return false;
        }
        cell.set(Cell::HELD);
        entry.holders += 1;
        entry.handed_over |= node != entry.author;
        true
    }

    /// A node gave a document up and deleted it: what was wished against
    /// inheritance is forgotten with it. True if it was there before.
    pub(crate) fn deleted(&mut self, number: Number, node: Index) -> bool {
        let cell = &mut self.entries[number].cells[node];
        if cell.mode() == Mode::Hold && !cell.has(Cell::BOOKMARKED) {
            cell.clear(Cell::EXPLICIT);
        }
        self.lost(number, node)
    }

    /// A disk lost a document. True if it was there before.
    pub(crate) fn lost(&mut self, number: Number, node: Index) -> bool {
        let entry = &mut self.entries[number];
        let cell = &mut entry.cells[node];
        if !cell.has(Cell::HELD) {
            return false;
        }
        cell.clear(Cell::HELD);
        entry.holders -= 1;
        self.remember(number, node);
        true
    }

    /// True if the node's disk has the document.
    pub(crate) fn holds(&self, number: Number, node: Index) -> bool {
        self.entries[number].cells[node].has(Cell::HELD)
    }

    /// Marks an overlay as used, for eviction.
    pub(crate) fn touch(&mut self, number: Number, node: Index) {
        self.entries[number].cells[node].set(Cell::TOUCHED);
    }

    /// True if the overlay was used since the last call.
    pub(crate) fn untouch(&mut self, number: Number, node: Index) -> bool {
        let cell = &mut self.entries[number].cells[node];
        let touched = cell.has(Cell::TOUCHED);
        cell.clear(Cell::TOUCHED);
        touched
    }

    /// A fresh delivery came or will not come soon. True if it was expected.
    pub(crate) fn fulfil(&mut self, number: Number, node: Index) -> bool {
        let cell = &mut self.entries[number].cells[node];
        let expected = cell.has(Cell::EXPECTED);
        cell.clear(Cell::EXPECTED);
        expected
    }

    /// True if the node takes part in a document's network by all that is known,
    /// or once did.
    pub(crate) fn shares(&self, number: Number, node: Index) -> bool {
        let entry = &self.entries[number];
        let cell = entry.cells[node];
        // A hostile author may never have stored what it sent.
        entry.author == node
            || cell.has(Cell::HELD | Cell::ONCE | Cell::BOOKMARKED | Cell::EXPLICIT)
            || cell.mode().subscribes()
    }

    fn remember(&mut self, number: Number, node: Index) {
        self.untold[node] = self.now + UNTOLD;
        self.entries[number].cells[node].set(Cell::ONCE);
    }
}

#[cfg(test)]
mod tests;
