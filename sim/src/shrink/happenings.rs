//! Fewer things happen: fewer packets with a fate of their own, nodes, documents, entries.

use super::candidate::{Candidate, only_starts};
use super::ddmin::ddmin;
use super::search::Search;
use crate::scenario::FaultKind;
use crate::scenario::script::{Act, Deed, Entry, Fate, Name, PacketRule, Script};
use std::collections::BTreeSet;
use std::time::Duration;

/// Packets and connections: none, then one kind of fate less, then one by one.
pub(super) fn packets(search: &mut Search<'_>) {
    search.pass("packets");
    let script = search.best.script().clone();
    if script.packets.is_empty() && script.dials.is_empty() {
        return;
    }
    let bare = Script {
        packets: Vec::new(),
        dials: Vec::new(),
        ..script
    };
    if search.take_script(bare) {
        return;
    }
    for change in [without_late, without_held, without_copy] {
        let mut script = search.best.script().clone();
        script.packets = script.packets.into_iter().filter_map(change).collect();
        if script != *search.best.script() {
            search.take_script(script);
        }
    }
    let all = search.best.script().packets.clone();
    ddmin(&all, |packets| {
        let packets = packets.to_vec();
        let script = search.best.script().clone();
        search.take_script(Script { packets, ..script })
    });
    let all = search.best.script().dials.clone();
    ddmin(&all, |dials| {
        let dials = dials.to_vec();
        let script = search.best.script().clone();
        search.take_script(Script { dials, ..script })
    });
}

fn without_late(rule: PacketRule) -> Option<PacketRule> {
    changed(rule, |_, held, copy| (Duration::ZERO, held, copy))
}

fn without_held(rule: PacketRule) -> Option<PacketRule> {
    changed(rule, |late, _, copy| (late, Duration::ZERO, copy))
}

fn without_copy(rule: PacketRule) -> Option<PacketRule> {
    changed(rule, |late, held, _| (late, held, None))
}

type Comes = (Duration, Duration, Option<Duration>);

/// The rule with another fate; `None` if nothing special is left.
fn changed(
    rule: PacketRule,
    change: impl Fn(Duration, Duration, Option<Duration>) -> Comes,
) -> Option<PacketRule> {
    let Fate::Comes { late, held, copy } = rule.fate else {
        return Some(rule);
    };
    let (late, held, copy) = change(late, held, copy);
    let fate = Fate::Comes { late, held, copy };
    let special = !late.is_zero() || !held.is_zero() || copy.is_some();
    special.then_some(PacketRule { fate, ..rule })
}

/// Nodes.
pub(super) fn nodes(search: &mut Search<'_>) {
    search.pass("nodes");
    let all: Vec<usize> = search.best.script().nodes().into_iter().collect();
    ddmin(&all, |kept| {
        let kept: BTreeSet<usize> = kept.iter().copied().collect();
        let script = without_nodes(search.best.script(), &kept);
        search.take_script(script)
    });
}

/// What is left if only these nodes take part.
fn without_nodes(script: &Script, kept: &BTreeSet<usize>) -> Script {
    let here = |entry: &Entry| match &entry.deed {
        Deed::User { node, .. } if !kept.contains(node) => None,
        Deed::User { .. } => Some(entry.clone()),
        Deed::Fault { nodes, kind } => Some(Entry {
            at: entry.at,
            deed: Deed::Fault {
                nodes: filtered(nodes, |node| kept.contains(node)),
                kind: *kind,
            },
        }),
    };
    let among = |from: usize, to: usize| kept.contains(&from) && kept.contains(&to);
    Script {
        schedule: script.schedule.iter().filter_map(here).collect(),
        packets: filtered(&script.packets, |rule| among(rule.from, rule.to)),
        dials: filtered(&script.dials, |rule| among(rule.from, rule.to)),
    }
}

fn filtered<T: Clone>(items: &[T], keep: impl Fn(&T) -> bool) -> Vec<T> {
    items.iter().filter(|item| keep(item)).cloned().collect()
}

/// Documents, with all that is done to them.
pub(super) fn documents(search: &mut Search<'_>) {
    search.pass("documents");
    let made = |entry: &Entry| entry.act()?.1.makes();
    let all: Vec<Name> = search
        .best
        .script()
        .schedule
        .iter()
        .filter_map(made)
        .collect();
    ddmin(&all, |kept| {
        let mut script = search.best.script().clone();
        script
            .schedule
            .retain(|entry| made(entry).is_none_or(|name| kept.contains(&name)));
        search.take_script(script)
    });
}

/// Entries one by one, those that only start a node first.
pub(super) fn entries(search: &mut Search<'_>) {
    search.pass("events");
    let mut script = search.best.script().clone();
    script
        .schedule
        .retain(|entry| !entry.act().is_some_and(|(_, act)| only_starts(act)));
    if script != *search.best.script() {
        search.take_script(script);
    }
    let all = search.best.script().schedule.clone();
    ddmin(&all, |schedule| {
        let schedule = schedule.to_vec();
        let script = search.best.script().clone();
        search.take_script(Script { schedule, ..script })
    });
}

/// Each fault hits fewer nodes and does less; users write short bodies.
pub(super) fn details(search: &mut Search<'_>) {
    search.pass("details");
    for at in 0..search.best.script().schedule.len() {
        let all = match &search.best.script().schedule[at].deed {
            Deed::Fault { nodes, .. } => nodes.clone(),
            Deed::User { .. } => Vec::new(),
        };
        if all.len() > 1 {
            ddmin(&all, |some| {
                !some.is_empty() && try_deed(search, at, |deed| with_nodes(deed, some))
            });
        }
        for simpler in SIMPLER {
            try_deed(search, at, simpler);
        }
    }
}

fn with_nodes(deed: &Deed, nodes: &[usize]) -> Option<Deed> {
    match deed {
        Deed::Fault { kind, .. } => Some(Deed::Fault {
            nodes: nodes.to_vec(),
            kind: *kind,
        }),
        Deed::User { .. } => None,
    }
}

/// Changes an entry, if that makes it another.
fn try_deed(
    search: &mut Search<'_>,
    at: usize,
    change: impl FnOnce(&Deed) -> Option<Deed>,
) -> bool {
    let mut script = search.best.script().clone();
    let Some(entry) = script.schedule.get_mut(at) else {
        return false;
    };
    match change(&entry.deed) {
        Some(deed) if deed != entry.deed => {
            entry.deed = deed;
            search.take_script(script)
        }
        _ => false,
    }
}

/// Simpler forms of a deed, the simplest first.
const SIMPLER: [fn(&Deed) -> Option<Deed>; 4] = [short_body, kept_disk, both_ways, whole_second];

fn short_body(deed: &Deed) -> Option<Deed> {
    let Deed::User {
        node,
        act:
            Act::Publish {
                document,
                parent,
                mode,
                ..
            },
    } = *deed
    else {
        return None;
    };
    let body = 20;
    let act = Act::Publish {
        document,
        parent,
        body,
        mode,
    };
    Some(Deed::User { node, act })
}

fn fault(deed: &Deed, change: impl FnOnce(FaultKind) -> Option<FaultKind>) -> Option<Deed> {
    match deed {
        Deed::Fault { nodes, kind } => Some(Deed::Fault {
            nodes: nodes.clone(),
            kind: change(*kind)?,
        }),
        Deed::User { .. } => None,
    }
}

fn kept_disk(deed: &Deed) -> Option<Deed> {
    use crate::scenario::Disk;
    fault(deed, |mut kind| {
        if let FaultKind::Crash {
            restart: Some(_),
            disk,
        } = &mut kind
        {
            *disk = Disk::Kept;
        }
        Some(kind)
    })
}

fn both_ways(deed: &Deed) -> Option<Deed> {
    fault(deed, |mut kind| {
        if let FaultKind::Partition { one_way, .. } = &mut kind {
            *one_way = false;
        }
        Some(kind)
    })
}

/// It lasts a second, if it lasted longer.
fn whole_second(deed: &Deed) -> Option<Deed> {
    fault(deed, |mut kind| {
        if let FaultKind::Crash {
            restart: Some(lasts),
            ..
        }
        | FaultKind::Pause(lasts)
        | FaultKind::Partition { lasts, .. }
        | FaultKind::Degrade { lasts, .. } = &mut kind
        {
            *lasts = (*lasts).min(Duration::from_secs(1));
        }
        Some(kind)
    })
}

/// Nodes and documents are numbered without gaps. Names are seeds too, so it need not fail then.
pub(super) fn numbers(search: &mut Search<'_>) {
    search.pass("numbers");
    if search.best.frame().contains_key("adversary") {
        return;
    }
    let script = search.best.script().clone();
    let nodes: Vec<usize> = script.nodes().into_iter().collect();
    let place = |node: usize| nodes.binary_search(&node).unwrap_or(nodes.len());
    let renumbered = renumber(&script, &place);
    let fewer: Option<Candidate> = search.best.with_script(renumbered).with_frame(|frame| {
        frame.insert(
            "workload".to_owned(),
            super::candidate::workload(nodes.len().max(1)),
        );
    });
    if let Some(candidate) = fewer {
        search.take(candidate);
    }
}

fn renumber(script: &Script, place: &impl Fn(usize) -> usize) -> Script {
    let mut script = script.clone();
    for entry in &mut script.schedule {
        match &mut entry.deed {
            Deed::User { node, act } => {
                *node = place(*node);
                if let Act::Join { via, .. } = act {
                    *via = place(*via);
                }
            }
            Deed::Fault { nodes, .. } => nodes.iter_mut().for_each(|node| *node = place(*node)),
        }
    }
    for rule in &mut script.packets {
        (rule.from, rule.to) = (place(rule.from), place(rule.to));
    }
    for rule in &mut script.dials {
        (rule.from, rule.to) = (place(rule.from), place(rule.to));
    }
    script
}
