//! The cases: which networks, and within which bounds.

use crate::case::{ANY, Bounds, Case, Order};
use cliqueclique_core::Mode::{self, Follow, Hold, Subscribe};

fn publish(label: u8, parent: Option<u8>, mode: Mode) -> Order {
    Order::Publish {
        label,
        parent,
        mode,
    }
}

fn join(label: u8, via: usize, mode: Mode) -> Order {
    Order::Join { label, via, mode }
}

fn case(name: &'static str, about: &'static str, nodes: usize, max_peers: usize) -> Case {
    Case {
        name,
        about,
        nodes,
        max_peers,
        before: Vec::new(),
        script: Vec::new(),
        bounds: Bounds::default(),
        mortal: (0..nodes).collect(),
        sample: 0,
        broken: None,
        open: None,
        sometimes: Vec::new(),
    }
}

/// Node 0 has written document 0, and the others have joined it there one after another.
fn forum(nodes: usize) -> Vec<(usize, Order)> {
    let joins = (1..nodes).map(|at| (at, join(0, 0, Follow)));
    std::iter::once((0, publish(0, None, Follow)))
        .chain(joins)
        .collect()
}

/// Cases of the short run, each within narrower bounds: some seconds altogether.
#[must_use]
pub fn short() -> Vec<Case> {
    const NAMES: [&str; 11] = [
        "2-join",
        "2-lost",
        "2-doubled",
        "2-start-crash",
        "2-push-joint",
        "3-election",
        "3-push",
        "3-leave",
        "3-change",
        "4-election",
        "4-splice",
    ];
    let short = |case: &Case| NAMES.contains(&case.name);
    full().into_iter().filter(short).map(shorter).collect()
}

fn shorter(mut case: Case) -> Case {
    let bounds = &mut case.bounds;
    bounds.late = 0;
    bounds.waits = bounds.waits.min(if case.nodes == 2 { 1 } else { 0 });
    if case.nodes > 2 || bounds.crashes > 0 {
        bounds.overtaken = 0;
    }
    case
}

/// The case of this name, if there is one.
#[must_use]
pub fn named(name: &str) -> Option<Case> {
    full().into_iter().find(|case| case.name == name)
}

/// All cases.
#[must_use]
pub fn full() -> Vec<Case> {
    let mut all = two_start();
    all.extend(two_comment());
    all.extend([two_part("2-wishes", 0), two_part("2-handover", 1)]);
    all.extend(three_crash());
    all.extend(three_change());
    all.extend(four());
    all
}

/// All orders of what is on its way, no faults.
const DISORDER: Bounds = Bounds {
    overtaken: ANY,
    ..CALM
};

/// Each channel in order, no faults.
const CALM: Bounds = Bounds {
    lost: 0,
    doubled: 0,
    overtaken: 0,
    crashes: 0,
    torn: 0,
    restarts: 0,
    wiped: 0,
    late: 0,
    waits: 0,
};

/// A crash at any point and a restart.
const CRASH: Bounds = Bounds {
    crashes: 1,
    torn: 1,
    restarts: 1,
    ..CALM
};

/// One of each: loss, doubling, overtaking, a late packet.
const MIXED: Bounds = Bounds {
    lost: 1,
    doubled: 1,
    overtaken: 1,
    late: 1,
    ..CALM
};

/// One of each fault, together: loss, doubling, overtaking, a crash and a restart.
const JOINT: Bounds = Bounds {
    lost: 1,
    doubled: 1,
    overtaken: 1,
    crashes: 1,
    restarts: 1,
    ..CALM
};

const fn waiting(waits: u8, bounds: Bounds) -> Bounds {
    Bounds { waits, ..bounds }
}

const fn once(lost: u8, doubled: u8, late: u8, bounds: Bounds) -> Bounds {
    Bounds {
        lost,
        doubled,
        late,
        ..bounds
    }
}

/// Two nodes, from nothing: publish and join.
fn two_start() -> Vec<Case> {
    let start = |(name, about, bounds)| Case {
        script: vec![(0, publish(0, None, Follow)), (1, join(0, 0, Follow))],
        bounds,
        ..case(name, about, 2, 2)
    };
    let lost = waiting(2, once(1, 0, 0, DISORDER));
    let doubled = waiting(1, once(0, 1, 0, DISORDER));
    let late = once(0, 0, 1, DISORDER);
    let mut cases: Vec<Case> = [
        ("2-join", "publish and join", waiting(2, DISORDER)),
        ("2-lost", "publish and join, a loss", lost),
        ("2-doubled", "publish and join, a doubling", doubled),
        ("2-late", "publish and join, a deadline comes first", late),
        ("2-mixed", "publish and join, one of each fault", MIXED),
        ("2-start-crash", "publish and join, a crash", CRASH),
        ("2-joint", "publish and join, all faults together", JOINT),
    ]
    .map(start)
    .into();
    cases[5].sometimes = vec!["a node restarted", "a crash between two effects"];
    cases[6].sometimes = vec!["a node restarted"];
    cases
}

/// Two nodes that share a document: one comments.
fn two_comment() -> Vec<Case> {
    let comment = |(name, about, bounds)| Case {
        before: forum(2),
        script: vec![(0, publish(1, Some(0), Follow))],
        bounds,
        ..case(name, about, 2, 2)
    };
    let wiped = Bounds {
        torn: 0,
        wiped: 1,
        ..CRASH
    };
    let push = waiting(
        1,
        Bounds {
            overtaken: ANY,
            ..MIXED
        },
    );
    let mut cases: Vec<Case> = [
        ("2-push", "a comment, one of each fault", push),
        ("2-crash", "a comment, a crash", CRASH),
        (
            "2-wiped",
            "a comment, a crash, and the disk may be lost",
            wiped,
        ),
        ("2-push-joint", "a comment, all faults together", JOINT),
    ]
    .map(comment)
    .into();
    cases[1].sometimes = vec!["a node restarted", "a crash between two effects"];
    cases[2].sometimes = vec!["a node restarted"];
    cases[3].sometimes = vec!["a node restarted"];
    cases
}

/// One hands a comment over and leaves, while the other changes its part.
fn two_part(name: &'static str, overtaken: u8) -> Case {
    Case {
        before: forum(2),
        script: vec![
            (1, publish(1, Some(0), Hold)),
            (0, Order::Set(0, Subscribe)),
            (1, Order::Forget(0)),
        ],
        bounds: waiting(1, Bounds { overtaken, ..CALM }),
        sometimes: vec!["a node left"],
        ..case(name, "a comment is handed over, parts change", 2, 2)
    }
}

fn three(name: &'static str, about: &'static str, bounds: Bounds) -> Case {
    Case {
        before: forum(3),
        bounds,
        ..case(name, about, 3, 2)
    }
}

/// Three nodes, one crash.
fn three_crash() -> Vec<Case> {
    let crash = Bounds { crashes: 1, ..CALM };
    let disorder = Bounds {
        crashes: 1,
        ..DISORDER
    };
    let restart = Bounds {
        restarts: 1,
        ..crash
    };
    vec![
        Case {
            sometimes: vec!["a ghost root existed", "a root changed"],
            ..three("3-election", "any one crashes", waiting(1, disorder))
        },
        Case {
            sometimes: vec!["a ghost root existed", "a node restarted"],
            ..three("3-restart", "any one crashes and comes back", restart)
        },
        Case {
            script: vec![(1, publish(1, Some(0), Follow))],
            sometimes: vec!["a ghost root existed"],
            ..three("3-push-crash", "a comment, and a crash", crash)
        },
        Case {
            script: vec![(0, Order::Set(0, Hold))],
            sometimes: vec!["a node left", "a splice met a crash"],
            ..three("3-leave-crash", "the root leaves, and a crash", crash)
        },
    ]
}

/// Three nodes, changes of parts.
fn three_change() -> Vec<Case> {
    vec![
        Case {
            script: vec![(1, publish(1, Some(0), Follow))],
            ..three("3-push", "a comment from below", waiting(1, DISORDER))
        },
        Case {
            script: vec![(2, Order::Forget(0))],
            sometimes: vec!["a node left"],
            ..three("3-leave", "one leaves", waiting(1, DISORDER))
        },
        Case {
            script: vec![(0, Order::Set(0, Hold))],
            sometimes: vec![
                "a node left",
                "a node froze",
                "a root changed",
                "an edge was spliced",
                "a freeze was pending when the upstream changed",
            ],
            ..three(
                "3-unsubscribe",
                "the root unsubscribes, and so leaves",
                CALM,
            )
        },
        Case {
            script: vec![
                (1, Order::Set(0, Hold)),
                (2, Order::Set(0, Subscribe)),
                (2, Order::Set(0, Follow)),
            ],
            sometimes: vec!["a node left"],
            ..three(
                "3-change",
                "two change their parts at once",
                waiting(1, CALM),
            )
        },
    ]
}

/// Four nodes, K = 2: three that are full, and one more.
fn four() -> Vec<Case> {
    let crash = Bounds { crashes: 1, ..CALM };
    let splice = |name, about, bounds| Case {
        before: forum(3),
        script: vec![(3, join(0, 0, Follow))],
        bounds,
        mortal: vec![0],
        sometimes: vec!["an edge was spliced"],
        ..case(name, about, 4, 2)
    };
    let mut met = splice("4-splice-crash", "and who splices crashes", crash);
    met.sometimes.push("a splice met a crash");
    vec![
        Case {
            before: forum(4),
            bounds: crash,
            sometimes: vec!["a ghost root existed", "a node froze"],
            ..case("4-election", "any one of four crashes", 4, 2)
        },
        splice("4-splice", "a fourth joins at one that is full", CALM),
        met,
    ]
}
