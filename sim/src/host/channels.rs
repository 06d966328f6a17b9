//! A node's ends of connections by channel: side by side in memory, since every packet asks.

use crate::network::End;
use cliqueclique_core::id::ChannelId;

/// Ends by channel, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channels(Vec<(ChannelId, End)>);

impl Channels {
    fn locate(&self, channel: ChannelId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&channel, |&(known, _)| known)
    }

    /// The end of a channel.
    pub(crate) fn get(&self, channel: ChannelId) -> Option<End> {
        let at = self.locate(channel).ok()?;
        self.0.get(at).map(|&(_, end)| end)
    }

    /// Sets the end of a channel.
    pub(crate) fn insert(&mut self, channel: ChannelId, end: End) {
        match self.locate(channel) {
            Ok(at) => self.0[at].1 = end,
            Err(at) => self.0.insert(at, (channel, end)),
        }
    }

    /// Takes a channel out.
    pub(crate) fn remove(&mut self, channel: ChannelId) -> Option<End> {
        let at = self.locate(channel).ok()?;
        Some(self.0.remove(at).1)
    }

    /// All, in order of channels.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChannelId, End)> + '_ {
        self.0.iter().copied()
    }
}
