//! `junk`: sends bytes that are no packets, and packets that are cut off.

use super::Trick;
use super::stage::Stage;
use bytes::Bytes;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::Packet;
use cliqueclique_core::wire::encode;
use rand::RngExt;

/// Longest junk, bytes.
const LONGEST: usize = 600;

/// The trick, with the last packet that the core sent.
#[derive(Debug, Default)]
pub(super) struct Junk {
    last: Vec<u8>,
}

impl Trick for Junk {
    fn leaving(&mut self, _: &mut Stage, _: ChannelId, packet: &mut Packet) -> bool {
        self.last = encode(packet);
        true
    }

    fn act(&mut self, stage: &mut Stage) {
        for channel in stage.channels() {
            let junk = match stage.rng.random_range(0..3) {
                0 => noise(stage),
                1 => self.last[..stage.rng.random_range(0..=self.last.len())].to_vec(),
                _ => self.changed(stage),
            };
            stage.junk.push((channel, Bytes::from(junk)));
            stage.done();
        }
    }
}

impl Junk {
    /// A real packet with a byte changed.
    fn changed(&self, stage: &mut Stage) -> Vec<u8> {
        let mut bytes = self.last.clone();
        if !bytes.is_empty() {
            let at = stage.rng.random_range(0..bytes.len());
            bytes[at] ^= stage.rng.random_range(1..=255);
        }
        bytes
    }
}

fn noise(stage: &mut Stage) -> Vec<u8> {
    let length = stage.rng.random_range(0..LONGEST);
    (0..length).map(|_| stage.rng.random()).collect()
}
