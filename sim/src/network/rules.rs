//! What a script says about single packets and connections, and the same written down from a run
//! that draws. Packets and connections are counted for each directed pair of nodes, so that a rule
//! keeps its meaning whatever happens elsewhere.

use crate::scenario::script::{DialRule, Fate, PacketRule, Script};
use crate::snapshot::Index;
use crate::tape::Tape;
use std::collections::BTreeMap;
use std::time::Duration;

type Pair = (Index, Index);

/// Rules that hold, counts so far, and what is written down.
#[derive(Debug, Default)]
pub(super) struct Rules {
    packets: BTreeMap<(Pair, u64), Fate>,
    dials: BTreeMap<(Pair, u64), (u32, Option<Duration>)>,
    sent: BTreeMap<Pair, u64>,
    dialled: BTreeMap<Pair, u64>,
    record: Option<Tape>,
}

impl Rules {
    /// The rules of a script.
    pub(super) fn new(script: &Script) -> Self {
        let packet = |rule: &PacketRule| (((rule.from, rule.to), rule.number), rule.fate);
        let dial = |rule: &DialRule| (((rule.from, rule.to), rule.number), (rule.lost, rule.life));
        Self {
            packets: script.packets.iter().map(packet).collect(),
            dials: script.dials.iter().map(dial).collect(),
            ..Self::default()
        }
    }

    /// From now on what is drawn is written down.
    pub(super) fn record(&mut self, tape: Tape) {
        self.record = Some(tape);
    }

    /// True if neither rules nor a record need counts.
    fn idle(&self) -> bool {
        self.packets.is_empty() && self.dials.is_empty() && self.record.is_none()
    }

    /// A packet is sent, which by chance would have this fate: the one that it has. A cut line
    /// leaves nothing to decide, but the packet counts.
    pub(super) fn packet(&mut self, from: Index, to: Index, drawn: Option<Fate>) -> Option<Fate> {
        if self.idle() {
            return drawn;
        }
        let number = self.sent.entry((from, to)).or_default();
        *number += 1;
        let (number, drawn) = (*number, drawn?);
        let ruled = self.packets.get(&((from, to), number));
        let fate = ruled.copied().unwrap_or(drawn);
        if let Some(tape) = self.record.as_ref().filter(|_| fate != USUAL) {
            tape.packet(PacketRule {
                from,
                to,
                number,
                fate,
            });
        }
        Some(fate)
    }

    /// A node dials another and would lose so many opening packets by chance: as many as it loses,
    /// and which connection of the two it is.
    pub(super) fn dial(&mut self, from: Index, to: Index, drawn: u32) -> (u32, u64) {
        if self.idle() {
            return (drawn, 0);
        }
        let number = self.dialled.entry((from, to)).or_default();
        *number += 1;
        let number = *number;
        let ruled = self.dials.get(&((from, to), number));
        let lost = ruled.map_or(drawn, |(lost, _)| *lost);
        if let Some(tape) = self.record.as_ref().filter(|_| lost > 0) {
            tape.lost((from, to, number), lost);
        }
        (lost, number)
    }

    /// A connection stands that by chance would have this life: the one that it has.
    pub(super) fn life(
        &mut self,
        from: Index,
        to: Index,
        number: u64,
        drawn: Option<Duration>,
    ) -> Option<Duration> {
        if self.idle() {
            return drawn;
        }
        let which = ((from, to), number);
        let life = self.dials.get(&which).and_then(|(_, life)| *life).or(drawn);
        if let (Some(tape), Some(life)) = (&self.record, life) {
            tape.life((from, to, number), life);
        }
        life
    }
}

/// What becomes of a packet if nothing is special about it.
pub(super) const USUAL: Fate = Fate::Comes {
    late: Duration::ZERO,
    held: Duration::ZERO,
    copy: None,
};
