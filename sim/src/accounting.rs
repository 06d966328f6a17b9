//! What the protocol costs and what it delivers: every sent packet's bytes split
//! by what they carry, first arrivals of comments with their delay and hops, and
//! what faults cost.

mod deliveries;
mod weigh;

pub(crate) use deliveries::Deliveries;
pub(crate) use weigh::{KINDS, PREFIX, Weight, weigh};

use crate::metrics::{Burden, Cost, CostKind, FaultCost, Metrics};
use cliqueclique_core::time::Time;
use std::collections::BTreeMap;

/// Running totals of a run.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    costs: [Cost; KINDS],
    /// Deliveries of comments.
    pub(crate) deliveries: Deliveries,
    /// Inputs that cores handled.
    pub(crate) events: u64,
    /// What each node had to do.
    pub(crate) burdens: Vec<Burden>,
    /// What hostile nodes did against the protocol.
    pub(crate) hostile_acts: u64,
    /// Rules broken by peers, as nodes reported them.
    pub(crate) violations: u64,
    /// Bodies received by cores that no longer run.
    pub(crate) retired_bodies: u64,
    open_faults: Vec<OpenFault>,
    closed_faults: Vec<FaultCost>,
}

#[derive(Debug)]
struct OpenFault {
    at: Time,
    cost: FaultCost,
    before: Cost,
}

impl Accounts {
    /// Accounts of so many nodes, with nothing in them.
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            burdens: vec![Burden::default(); nodes],
            ..Self::default()
        }
    }

    /// Counts one packet.
    pub(crate) fn packet(&mut self, weight: &Weight, again: bool) {
        if again {
            let cost = &mut self.costs[CostKind::Retransmission as usize];
            cost.messages += 1;
            cost.bytes += weight.total;
            return;
        }
        for (total, part) in self.costs.iter_mut().zip(&weight.parts) {
            total.messages += part.messages;
            total.bytes += part.bytes;
        }
    }

    /// Bytes so far by kind.
    pub(crate) fn bytes(&self) -> BTreeMap<CostKind, u64> {
        weigh::all_kinds()
            .map(|kind| (kind, self.costs[kind as usize].bytes))
            .collect()
    }

    /// Control messages so far.
    fn control(&self) -> Cost {
        let kinds = [CostKind::State, CostKind::Introduction, CostKind::Set];
        kinds.iter().fold(Cost::default(), |sum, &kind| Cost {
            messages: sum.messages + self.costs[kind as usize].messages,
            bytes: sum.bytes + self.costs[kind as usize].bytes,
        })
    }

    /// A fault hit so many nodes with so many memberships.
    pub(crate) fn fault(&mut self, now: Time, kind: &str, nodes: usize, memberships: usize) {
        let cost = FaultCost {
            time: now.as_secs_f64(),
            kind: kind.to_owned(),
            nodes,
            memberships,
            ..FaultCost::default()
        };
        self.open_faults.push(OpenFault {
            at: now,
            cost,
            before: self.control(),
        });
    }

    /// A sample is taken: faults that happened up to `until` have cost what they cost by now.
    pub(crate) fn close_faults(&mut self, until: Time) {
        let after = self.control();
        for OpenFault {
            mut cost, before, ..
        } in self.open_faults.extract_if(.., |fault| fault.at <= until)
        {
            cost.messages = after.messages - before.messages;
            cost.bytes = after.bytes - before.bytes;
            self.closed_faults.push(cost);
        }
    }

    /// Puts everything into the metrics of the run.
    pub(crate) fn report(&mut self, metrics: &mut Metrics) {
        self.close_faults(Time(u64::MAX));
        metrics.costs = weigh::all_kinds()
            .map(|kind| (kind, self.costs[kind as usize]))
            .collect();
        metrics.fault_messages = self.closed_faults.clone();
        metrics.events = self.events;
        metrics.violations = self.violations;
        metrics.hostile_acts = self.hostile_acts;
        self.deliveries.report(metrics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliqueclique_core::id::Tag;
    use cliqueclique_core::message::{CloseReason, Frame, Message, Packet, Purpose};

    fn close() -> Weight {
        let message = Message::Close(Tag([0; 8]), CloseReason::Left);
        weigh(&Packet::Frame(Frame {
            number: 1,
            messages: vec![message],
            ..Frame::default()
        }))
    }

    #[test]
    fn packets_sent_again_count_as_that_and_nothing_else() {
        let mut accounts = Accounts::default();
        accounts.packet(&close(), false);
        accounts.packet(&close(), true);
        let bytes = accounts.bytes();
        assert_eq!(bytes[&CostKind::State], 10, "variant, tag, reason");
        assert_eq!(
            bytes[&CostKind::Frame],
            5,
            "kind and parts, number, credit, prefix of two"
        );
        assert_eq!(bytes[&CostKind::Retransmission], 15);
        assert_eq!(bytes.values().sum::<u64>(), 30);
    }

    #[test]
    fn a_fault_costs_the_control_messages_until_it_is_closed() {
        let mut accounts = Accounts::default();
        accounts.packet(&close(), false);
        accounts.fault(Time(2_000_000), "crash", 3, 12);
        accounts.packet(&close(), false);
        let seek = Message::Seek(Tag([0; 8]), Purpose::Neighbor);
        let frame = Frame {
            number: 2,
            messages: vec![seek, Message::Ping],
            ..Frame::default()
        };
        accounts.packet(&weigh(&Packet::Frame(frame)), false);
        accounts.close_faults(Time(1_000_000));
        accounts.close_faults(Time(2_000_000));
        accounts.packet(&close(), false);
        let mut metrics = Metrics::default();
        accounts.report(&mut metrics);
        let expected = FaultCost {
            time: 2.0,
            kind: "crash".into(),
            nodes: 3,
            memberships: 12,
            messages: 2,
            bytes: 20,
        };
        assert_eq!(metrics.fault_messages, [expected]);
    }
}
