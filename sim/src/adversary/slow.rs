//! `slow`: reads as slowly as it can without being taken for dead: gives no
//! credit, and acknowledges only now and then.

use super::Trick;
use super::stage::Stage;
use cliqueclique_core::id::ChannelId;
use cliqueclique_core::message::Packet;
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// It acknowledges for one second in so many. Less than `link_timeout`, which is 60 s by default.
const PERIOD: Duration = Duration::from_secs(40);
const OPEN: Duration = Duration::from_secs(1);

/// The trick.
#[derive(Debug, Default)]
pub(super) struct Slow {
    open: BTreeMap<ChannelId, Time>,
}

impl Trick for Slow {
    fn leaving(&mut self, stage: &mut Stage, to: ChannelId, packet: &mut Packet) -> bool {
        let Packet::Frame(frame) = packet else {
            return true;
        };
        frame.credit = 0;
        let open = self.open.entry(to).or_insert(stage.now);
        if stage.now >= *open + PERIOD {
            *open = stage.now;
        }
        if stage.now >= *open + OPEN && !frame.acks.is_empty() {
            frame.acks.clear();
            stage.done();
        }
        !(frame.messages.is_empty() && frame.acks.is_empty())
    }
}
