//! Channels by their numbers. Those with a link apart: they are many and live long, and each
//! packet asks for one.

use super::contact::Channel;
use crate::id::ChannelId;
use crate::link::LinkId;
use std::collections::BTreeMap;

/// All channels; bounded by whoever inserts.
#[derive(Clone, Debug, Hash, Default)]
pub(super) struct Channels {
    /// Those without link: a handshake is under way.
    shaking: BTreeMap<ChannelId, Channel>,
    /// In order.
    linked: Vec<(ChannelId, LinkId)>,
}

impl Channels {
    /// Number of channels.
    pub(super) fn len(&self) -> usize {
        self.shaking.len() + self.linked.len()
    }

    fn locate(&self, channel: ChannelId) -> Result<usize, usize> {
        self.linked
            .binary_search_by_key(&channel, |&(known, _)| known)
    }

    /// The link that stands on a channel.
    pub(super) fn link(&self, channel: ChannelId) -> Option<LinkId> {
        let at = self.locate(channel).ok()?;
        self.linked.get(at).map(|&(_, link)| link)
    }

    /// A channel on which a handshake is under way.
    pub(super) fn shaking(&self, channel: ChannelId) -> Option<&Channel> {
        self.shaking.get(&channel)
    }

    /// All channels on which a handshake is under way, in order.
    pub(super) fn all_shaking(&self) -> impl Iterator<Item = (ChannelId, &Channel)> {
        self.shaking
            .iter()
            .map(|(channel, state)| (*channel, state))
    }

    /// The same, to be changed.
    pub(super) fn all_shaking_mut(&mut self) -> impl Iterator<Item = &mut Channel> {
        self.shaking.values_mut()
    }

    /// Adds a channel, or sets its state.
    pub(super) fn insert(&mut self, channel: ChannelId, state: Channel) {
        self.remove(channel);
        if let Channel::Linked(link) = state {
            if let Err(at) = self.locate(channel) {
                self.linked.insert(at, (channel, link));
            }
        } else {
            self.shaking.insert(channel, state);
        }
    }

    /// Takes a channel out.
    pub(super) fn remove(&mut self, channel: ChannelId) -> Option<Channel> {
        match self.locate(channel) {
            Ok(at) => Some(Channel::Linked(self.linked.remove(at).1)),
            Err(_) => self.shaking.remove(&channel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_in_one_place_only() {
        let incoming = || Channel::Incoming {
            binding: [0; 32],
            frame_limit: 1,
        };
        let mut channels = Channels::default();
        for number in [7, 3, 5] {
            channels.insert(ChannelId(number), incoming());
        }
        channels.insert(ChannelId(5), Channel::Linked(LinkId(1)));
        channels.insert(ChannelId(3), Channel::Linked(LinkId(2)));
        assert_eq!(channels.len(), 3);
        assert_eq!(channels.link(ChannelId(5)), Some(LinkId(1)));
        assert_eq!(channels.link(ChannelId(7)), None);
        assert!(channels.shaking(ChannelId(7)).is_some());
        assert_eq!(channels.all_shaking().count(), 1);
        let gone = channels.remove(ChannelId(3));
        assert!(matches!(gone, Some(Channel::Linked(LinkId(2)))));
        channels.insert(ChannelId(5), incoming());
        assert_eq!((channels.len(), channels.link(ChannelId(5))), (2, None));
        assert!(channels.remove(ChannelId(5)).is_some() && channels.remove(ChannelId(5)).is_none());
    }
}
