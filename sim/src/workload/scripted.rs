//! A workload that is laid open: what a script's users do, in the words of the world, which knows
//! documents by their order of publication.

use super::Task;
use crate::host::Action;
use crate::scenario::script::{Act, Name};
use crate::snapshot::Index;
use crate::truth::Number;
use std::collections::BTreeMap;

/// State of a scripted workload.
#[derive(Debug)]
pub(crate) struct Scripted {
    nodes: usize,
    numbers: BTreeMap<Name, Number>,
}

impl Scripted {
    /// A workload at its start.
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            nodes,
            numbers: BTreeMap::new(),
        }
    }

    /// Number of nodes in all.
    pub(super) fn nodes(&self) -> usize {
        self.nodes
    }

    /// A document is published.
    pub(super) fn published(&mut self, ticket: usize, number: Number) {
        self.numbers.insert(ticket as Name, number);
    }

    /// What an act means; nothing beyond the start of the node if its document is not there.
    pub(crate) fn tasks(&self, node: Index, act: Act) -> Vec<Task> {
        let start = Task::Start(node);
        match self.action(act) {
            Some(action) => vec![start, Task::Act(node, action)],
            None => vec![start],
        }
    }

    fn action(&self, act: Act) -> Option<Action> {
        let number = |name: Name| self.numbers.get(&name).copied();
        Some(match act {
            Act::Start => return None,
            Act::Publish {
                document,
                parent,
                body,
                mode,
            } => Action::Publish {
                parent: match parent {
                    Some(name) => Some(number(name)?),
                    None => None,
                },
                size: body,
                mode,
                ticket: usize::try_from(document).ok()?,
            },
            Act::Join {
                document,
                via,
                mode,
            } => Action::Join {
                number: number(document)?,
                via,
                mode,
            },
            Act::Set(document, mode) => Action::Set(number(document)?, mode),
            Act::Bookmark(document, on) => Action::Bookmark(number(document)?, on),
            Act::Forget(document) => Action::Forget(number(document)?),
            Act::Leave => Action::Leave,
        })
    }
}
