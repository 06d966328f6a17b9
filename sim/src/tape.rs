//! A script that is being written down while a run draws. Whoever made the tape keeps it, so it
//! survives a run that panics.

use crate::scenario::script::{DialRule, Entry, PacketRule, Script};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// The tape; clones write on the same one.
#[derive(Clone, Debug, Default)]
pub struct Tape(Rc<RefCell<Written>>);

#[derive(Debug, Default)]
struct Written {
    schedule: Vec<Entry>,
    packets: Vec<PacketRule>,
    dials: BTreeMap<Dial, (u32, Option<Duration>)>,
}

/// Who dialled whom, for which time.
type Dial = (usize, usize, u64);

impl Tape {
    /// Writes down something that happens.
    pub(crate) fn entry(&self, entry: Entry) {
        self.0.borrow_mut().schedule.push(entry);
    }

    /// Writes down what becomes of a packet.
    pub(crate) fn packet(&self, rule: PacketRule) {
        self.0.borrow_mut().packets.push(rule);
    }

    /// Writes down how many opening packets a connection loses.
    pub(crate) fn lost(&self, dial: Dial, lost: u32) {
        self.0.borrow_mut().dials.entry(dial).or_default().0 = lost;
    }

    /// Writes down how long a connection lives.
    pub(crate) fn life(&self, dial: Dial, life: Duration) {
        self.0.borrow_mut().dials.entry(dial).or_default().1 = Some(life);
    }

    /// All that was written down.
    #[must_use]
    pub fn script(&self) -> Script {
        let written = self.0.borrow();
        let dial =
            |(&(from, to, number), &(lost, life)): (&Dial, &(u32, Option<Duration>))| DialRule {
                from,
                to,
                number,
                lost,
                life,
            };
        let mut script = Script {
            schedule: written.schedule.clone(),
            packets: written.packets.clone(),
            dials: written.dials.iter().map(dial).collect(),
        };
        // A reaction is written down for a moment later than what the same moment still brings.
        script.schedule.sort_by_key(|entry| entry.at);
        script
            .packets
            .sort_by_key(|rule| (rule.from, rule.to, rule.number));
        script
    }
}
