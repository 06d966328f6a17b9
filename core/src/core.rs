//! One node's protocol state: routes an input to the link or overlay it concerns.

use crate::config::{Config, ConfigError};
use crate::crypto::SharedSuite;
use crate::effect::Effect;
use crate::id::{Address, DocumentId, NodeId, PublicKey, SecretKey, Tag};
use crate::input::Input;
use crate::time::{Time, WallTime};
use crate::view::{Counters, LinkView, OverlayView};

/// Who a node is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its secret key.
    pub secret: SecretKey,
    /// Where it can be reached.
    pub address: Address,
}

/// Why a stored state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The record is damaged or of an unknown version.
    Record,
    /// The settings do not fit together.
    Config(ConfigError),
}

/// One node.
#[derive(Debug)]
pub struct Core {
    id: NodeId,
}

impl Core {
    /// A fresh node. `seed` decides all its random choices; `wall` is the wall
    /// time at [`Time::ZERO`].
    ///
    /// # Errors
    /// [`ConfigError`] if the settings do not fit together.
    pub fn new(config: Config, identity: Identity, seed: [u8; 32], suite: SharedSuite, wall: WallTime) -> Result<Self, ConfigError> {
        let _ = (seed, wall);
        config.validate()?;
        Ok(Self { id: suite.node_id(&suite.public_key(&identity.secret)) })
    }

    /// A node that starts again from its stored records: the node's own, and those of its overlays.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(
        config: Config,
        identity: Identity,
        seed: [u8; 32],
        suite: SharedSuite,
        wall: WallTime,
        node: Option<&[u8]>,
    ) -> Result<Self, RestoreError> {
        let _ = node;
        Self::new(config, identity, seed, suite, wall).map_err(RestoreError::Config)
    }

    /// Takes one input at time `now` (never before the last one) and appends the effects.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        let _ = (now, input, effects);
    }

    /// When `handle` must be called at the latest, with [`Input::Wake`] if nothing else comes.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        None
    }

    /// Own node id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Own key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        PublicKey([0; 32])
    }

    /// The network of a document, if this node takes part and it is not cold.
    #[must_use]
    pub fn overlay(&self, document: &DocumentId) -> Option<OverlayView> {
        let _ = document;
        None
    }

    /// Tags of all hot overlays, in order.
    pub fn overlays(&self) -> impl Iterator<Item = Tag> + '_ {
        std::iter::empty()
    }

    /// Tags of the overlays that the last call of `handle` changed, in order, each once.
    #[must_use]
    pub fn touched(&self) -> &[Tag] {
        &[]
    }

    /// View of a hot overlay by its tag.
    #[must_use]
    pub fn overlay_by_tag(&self, tag: Tag) -> Option<OverlayView> {
        let _ = tag;
        None
    }

    /// All links that stand.
    pub fn links(&self) -> impl Iterator<Item = LinkView> + '_ {
        std::iter::empty()
    }

    /// Totals since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}
