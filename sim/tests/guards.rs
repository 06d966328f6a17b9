//! Guards for the guards: for each checker a core that is broken on purpose,
//! which it must catch. Every case runs twice: as it is, where all properties
//! must hold, and with the broken node or nodes, where the named one must not.

use cliqueclique_core::document::Document;
use cliqueclique_core::id::{Address, ChannelId, PublicKey, Signature, Tag};
use cliqueclique_core::message::{
    Admission, AdmissionKind, Frame, Hello, Message, Mode, Packet, Purpose, STATE_FROZEN,
    STATE_UPSTREAM, SetDigest, State,
};
use cliqueclique_core::time::Time;
use cliqueclique_core::{Command, Effect, Input};
use cliqueclique_sim::check::{Checkers, Violated};
use cliqueclique_sim::driver::{Observer, Outcome, run_with};
use cliqueclique_sim::host::Behavior;
use cliqueclique_sim::scenario::{Scenario, parse};
use cliqueclique_sim::snapshot::Index;
use std::collections::{BTreeMap, BTreeSet};

struct Blind;

impl Observer for Blind {}

/// Twelve nodes in one forum. Comments go on to the end, so that what a broken
/// node says for ever is not yet caught as a breach of silence.
const TEXT: &str = r#"about = "Test."
duration = "4m"
settle = "5m"
sample = "2s"

[protocol]
max_peers = 4
keep_alive_min = "5s"
keep_alive_max = "20s"
link_timeout = "15s"

[network]
preset = "lan"

[workload]
nodes = 12
join_over = "20s"
comments = 20
comments_from = "30s"
comments_until = "4m"
"#;

/// The above with some values changed (by their dotted names) and with more tables.
fn scenario(sets: &[&str], tables: &str) -> Scenario {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    parse("guard.toml", &format!("{TEXT}{tables}"), &sets).expect("a valid scenario")
}

fn go(scenario: &Scenario, broken: impl Fn(Index) -> Option<Box<dyn Behavior>>) -> Outcome {
    let behaviors = (0..16)
        .filter_map(|node| Some((node, broken(node)?)))
        .collect();
    run_with(scenario, 1, &mut Blind, behaviors).expect("no trace to read")
}

/// The property that does not hold with the broken nodes, after all held without them.
fn caught(
    sets: &[&str],
    tables: &str,
    broken: impl Fn(Index) -> Option<Box<dyn Behavior>>,
) -> Violated {
    let scenario = scenario(sets, tables);
    let healthy = go(&scenario, |_| None);
    assert!(
        healthy.failure.is_none(),
        "without a broken node: {:?}",
        healthy.failure.map(|(violated, _)| violated)
    );
    go(&scenario, broken)
        .failure
        .expect("a broken node must be caught")
        .0
}

fn skip(but: &str) -> String {
    let all = cliqueclique_sim::check::EVENTUALLY;
    let names: Vec<_> = all
        .iter()
        .filter(|name| **name != but)
        .map(|name| format!("\"{name}\""))
        .collect();
    format!("[checks]\nskip = [{}]\n", names.join(", "))
}

/// Changes each message that a node sends; `None` drops it.
struct Send<F>(F);

impl<F> std::fmt::Debug for Send<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Send")
    }
}

impl<F: FnMut(Time, Message) -> Vec<Message>> Behavior for Send<F> {
    fn effects(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for frame in effects.iter_mut().filter_map(frame_of) {
            let messages = std::mem::take(&mut frame.messages);
            frame.messages = messages
                .into_iter()
                .flat_map(|message| (self.0)(now, message))
                .collect();
        }
    }
    fn input(&mut self, input: Input) -> Option<Input> {
        Some(input)
    }
}

fn sends<F: FnMut(Time, Message) -> Vec<Message> + 'static>(
    change: F,
) -> Option<Box<dyn Behavior>> {
    Some(Box::new(Send(change)))
}

fn frame_of(effect: &mut Effect) -> Option<&mut Frame> {
    if let Effect::Send(_, Packet::Frame(frame)) = effect {
        Some(frame)
    } else {
        None
    }
}

/// Keeps some inputs from a core, and some messages out of the others.
struct Ignore<I, M>(I, M);

impl<I, M> std::fmt::Debug for Ignore<I, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ignore")
    }
}

impl<I: FnMut(&Input) -> bool, M: FnMut(&Message) -> bool> Behavior for Ignore<I, M> {
    fn effects(&mut self, _: Time, _: &mut Vec<Effect>) {}
    fn input(&mut self, mut input: Input) -> Option<Input> {
        if (self.0)(&input) {
            return None;
        }
        if let Input::Received(_, Packet::Frame(frame)) = &mut input {
            frame.messages.retain(|message| !(self.1)(message));
        }
        Some(input)
    }
}

fn ignores_commands<F: FnMut(&Command) -> bool + 'static>(
    mut which: F,
) -> Option<Box<dyn Behavior>> {
    Some(Box::new(Ignore(
        move |input: &Input| matches!(input, Input::Command(_, command) if which(command)),
        |_: &Message| false,
    )))
}

fn ignores_messages<F: FnMut(&Message) -> bool + 'static>(which: F) -> Option<Box<dyn Behavior>> {
    Some(Box::new(Ignore(|_: &Input| false, which)))
}

/// The state that a message carries, to be changed.
fn state_of(message: &mut Message) -> Option<&mut State> {
    if let Message::State(_, state) = message {
        return Some(state);
    }
    if let Message::Open(_, open) = message {
        return Some(&mut open.state);
    }
    None
}

/// A document has parents: the byte after version, flags, key and date counts them.
fn is_comment(message: &Message) -> bool {
    matches!(message, Message::Push(push) if push.document.get(42).is_some_and(|count| *count > 0))
}

#[test]
fn delivery_catches_a_node_that_throws_comments_away() {
    let violated = caught(&[], &skip("delivery"), |node| {
        (node == 5).then(|| ignores_messages(is_comment)).flatten()
    });
    assert_eq!((violated.property, violated.nodes[0]), ("delivery", 5));
}

#[test]
fn delivery_catches_nodes_that_never_push() {
    let violated = caught(&[], &skip("delivery"), |_| {
        sends(|_, message| {
            if is_comment(&message) {
                vec![]
            } else {
                vec![message]
            }
        })
    });
    assert_eq!(violated.property, "delivery");
}

#[test]
fn presence_catches_a_node_that_never_lets_go() {
    let fault = "[[fault]]\nat = \"200s\"\nkind = \"forget\"\nnode = 5\n";
    let violated = caught(&[], &(skip("presence") + fault), |_| {
        ignores_commands(|command| matches!(command, Command::Forget(_)))
    });
    assert_eq!((violated.property, violated.nodes), ("presence", vec![5]));
}

#[test]
fn presence_catches_a_node_that_does_not_do_what_its_user_wishes() {
    let fault = "[[fault]]\nat = \"200s\"\nkind = \"toggle\"\nnode = 5\n";
    let violated = caught(&[], &(skip("presence") + fault), |_| {
        ignores_commands(|command| matches!(command, Command::Subscribe(..)))
    });
    assert_eq!((violated.property, violated.nodes), ("presence", vec![5]));
}

#[test]
fn silence_catches_a_node_that_talks_about_documents_for_no_reason() {
    let mut known = None;
    let chatter = move |_, message: Message| {
        if let Message::Digest(tag, _) | Message::State(tag, _) = &message {
            known = Some(*tag);
        }
        let ping = matches!(message, Message::Ping);
        let extra = known
            .filter(|_| ping)
            .map(|tag| Message::Digest(tag, SetDigest::default()));
        std::iter::once(message).chain(extra).collect()
    };
    let sets = ["duration=20m", "workload.comments_until=2m"];
    // All chatter: which end of a link sends its keep-alives is not for a test to know.
    let violated = caught(&sets, &skip(""), |_| sends(chatter));
    assert_eq!(violated.property, "silence");
}

#[test]
fn privacy_catches_a_node_that_tells_names_to_outsiders() {
    // Every node joins two of four forums, so neighbours share some and not others.
    let sets = [
        "workload.forums=4",
        "workload.zipf=0.1",
        "workload.interests=2",
    ];
    let gossip = || {
        let mut known: BTreeSet<Tag> = BTreeSet::new();
        move |_, message: Message| {
            if let Message::State(tag, _) = &message {
                known.insert(*tag);
            }
            known
                .iter()
                .map(|tag| Message::Seek(*tag, Purpose::Neighbor))
                .chain([message])
                .collect()
        }
    };
    let violated = caught(&sets, &skip(""), |_| sends(gossip()));
    assert_eq!(violated.property, "privacy");
}

/// Calls everybody, one after another, whom nobody told it about.
#[derive(Debug, Default)]
struct Intruder {
    called: u8,
    connected: Option<ChannelId>,
}

const CALLS: u64 = 1 << 40;

impl Behavior for Intruder {
    fn effects(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if now > Time(60_000_000) && self.called < 12 {
            let address = vec![self.called, 0, 0, 0, 0, 0, 0, 0];
            effects.push(Effect::Dial(
                ChannelId(CALLS + 2 * u64::from(self.called)),
                Address(address.into()),
            ));
            self.called += 1;
        }
        if let Some(channel) = self.connected.take() {
            effects.push(Effect::Send(channel, Packet::Hello(Box::new(stranger()))));
        }
    }
    fn input(&mut self, input: Input) -> Option<Input> {
        if let Input::Connected { channel, .. } = input
            && channel.0 >= CALLS
            && channel.0.is_multiple_of(2)
        {
            self.connected = Some(channel);
            return Some(Input::Wake);
        }
        Some(input)
    }
}

fn stranger() -> Hello {
    Hello {
        version_min: 1,
        version_max: 1,
        nonce: [7; 16],
        key: PublicKey([7; 32]),
        address: Address(vec![1; 8].into()),
        admission: Admission {
            tag: Tag([7; 8]),
            proof: [7; 16],
            kind: AdmissionKind::Reunion,
        },
        signature: Signature::from_bytes(&[7; 64]),
    }
}

#[test]
fn contact_catches_a_node_that_calls_strangers() {
    let sets = [
        "protocol.min_acquaintances=0",
        "protocol.max_acquaintances=4",
    ];
    let violated = caught(&sets, &skip(""), |node| {
        (node == 1).then(|| Box::new(Intruder::default()) as Box<dyn Behavior>)
    });
    assert_eq!((violated.property, violated.nodes[0]), ("contact", 1));
}

#[test]
fn bounded_catches_a_node_that_sends_too_much_at_once() {
    let flood = |_, message: Message| {
        let tag = if let Message::State(tag, _) = &message {
            Some(*tag)
        } else {
            None
        };
        let extra = tag.map(|tag| Message::Want(tag, vec![tag; 5_000]));
        std::iter::once(message).chain(extra).collect()
    };
    let violated = caught(&[], &skip(""), |node| {
        (node == 2).then(|| sends(flood)).flatten()
    });
    assert_eq!((violated.property, violated.nodes[0]), ("bounded", 2));
}

#[test]
fn tree_catches_nodes_that_lie_about_their_distance() {
    let lie = |_, mut message: Message| {
        if let Some(state) = state_of(&mut message) {
            state.distance += 3;
        }
        vec![message]
    };
    assert_eq!(caught(&[], &skip("tree"), |_| sends(lie)).property, "tree");
}

#[test]
fn tree_catches_nodes_that_keep_a_freeze_to_themselves() {
    // The root dies, and most others, so that nobody below it is left to succeed it.
    let crash = "[[fault]]\nat = \"200s\"\nkind = \"crash\"\nroot = true\n\
                 [[fault]]\nat = \"200s\"\nkind = \"crash\"\nshare = \"60%\"\n";
    let deaf = |_, message: Message| {
        let frozen =
            matches!(&message, Message::State(_, state) if state.flags & STATE_FROZEN != 0);
        if frozen { vec![] } else { vec![message] }
    };
    assert_eq!(
        caught(&[], &(skip("tree") + crash), |_| sends(deaf)).property,
        "tree"
    );
}

#[test]
fn circles_catch_nodes_that_follow_each_other() {
    // Everybody claims to be next to the root and to follow nobody, for ever; then the root
    // dies, and most others with it, so that nobody below it is left to succeed it.
    let more = skip("")
        + "circle_bound = \"10s\"\n[[fault]]\nat = \"200s\"\nkind = \"crash\"\nroot = true\n"
        + "[[fault]]\nat = \"200s\"\nkind = \"crash\"\nshare = \"60%\"\n";
    let lie = |_, mut message: Message| {
        if let Some(state) = state_of(&mut message) {
            state.distance = state.distance.min(1);
            state.flags &= !(STATE_UPSTREAM | STATE_FROZEN);
        }
        vec![message]
    };
    assert_eq!(caught(&[], &more, |_| sends(lie)).property, "circles");
}

/// Asks to be a neighbour, does not hear the answers, and never says that it gave up.
#[derive(Debug)]
struct Deaf;

impl Behavior for Deaf {
    fn effects(&mut self, _: Time, effects: &mut Vec<Effect>) {
        for frame in effects.iter_mut().filter_map(frame_of) {
            frame
                .messages
                .retain(|message| !matches!(message, Message::Close(..)));
        }
    }
    fn input(&mut self, mut input: Input) -> Option<Input> {
        if let Input::Received(_, Packet::Frame(frame)) = &mut input {
            frame
                .messages
                .retain(|message| !matches!(message, Message::State(..)));
        }
        Some(input)
    }
}

#[test]
fn symmetry_catches_a_node_that_does_not_hear_who_took_it() {
    let violated = caught(&[], &skip("symmetry"), |node| {
        (node == 5).then(|| Box::new(Deaf) as Box<dyn Behavior>)
    });
    assert_eq!(violated.property, "symmetry");
    assert!(violated.nodes.contains(&5), "{violated}");
}

#[test]
fn connected_holders_catches_a_node_that_refuses_all_neighbours() {
    let alone = |_, message: Message| {
        if matches!(message, Message::Open(..) | Message::State(..)) {
            vec![]
        } else {
            vec![message]
        }
    };
    let violated = caught(&[], &skip("connected_holders"), |node| {
        (node == 5).then(|| sends(alone)).flatten()
    });
    assert_eq!(violated.property, "connected_holders");
}

#[test]
fn connected_subscribers_catches_holders_that_pretend_to_subscribe() {
    // Without comments: otherwise they would be pushed to those who only pretend, a breach of privacy.
    let sets = [
        "workload.nodes=16",
        "workload.subscribe=0.35",
        "workload.comments=0",
        "protocol.max_peers=2",
    ];
    let lie = |_, mut message: Message| {
        if let Some(state) = state_of(&mut message) {
            state.flags |= Mode::Subscribe as u8;
        }
        vec![message]
    };
    assert_eq!(
        caught(&sets, &skip("connected_subscribers"), |_| sends(lie)).property,
        "connected_subscribers"
    );
}

/// The networks mend themselves even if nobody hears the farewell of a root, so the
/// checker is shown the truth of a good run in which the root's user changed his mind.
#[test]
fn root_subscribes_catches_a_root_that_does_not_subscribe() {
    let scenario = scenario(&[], &skip("root_subscribes"));
    let outcome = go(&scenario, |_| None);
    let judge = |snapshot: &_| Checkers::new(&scenario).eventually(snapshot);
    assert_eq!(judge(&outcome.last), Ok(()));
    let mut other = outcome.last.clone();
    for truth in other.documents.values_mut() {
        for member in truth.members.values_mut() {
            let view = member.view.as_mut().filter(|view| view.distance == 0);
            if let Some(view) = view {
                view.mode = Mode::Hold;
                member.wish = Mode::Hold;
            }
        }
    }
    assert_eq!(
        judge(&other).expect_err("no root subscribes").property,
        "root_subscribes"
    );
}

#[test]
fn cost_catches_nodes_that_send_everything_twice() {
    let twice = |_, message: Message| {
        if is_comment(&message) {
            vec![message.clone(), message]
        } else {
            vec![message]
        }
    };
    let violated = caught(
        &[],
        &format!("{}at_most = {{ copies = 1.3 }}\n", skip("")),
        |_| sends(twice),
    );
    assert_eq!(violated.property, "cost");
    assert!(
        violated
            .detail
            .starts_with("copies must be at most 1.3, found "),
        "{}",
        violated.detail
    );
}

#[test]
fn sometimes_catches_a_scenario_that_never_gets_there() {
    let scenario = scenario(
        &[],
        &format!("{}sometimes = [\"joined\", \"healed\"]\n", skip("")),
    );
    let violated = go(&scenario, |_| None)
        .failure
        .expect("nothing was parted, so nothing healed")
        .0;
    assert_eq!(violated.property, "sometimes");
    assert!(violated.detail.contains("`healed`"), "{}", violated.detail);
}

/// What a core holds cannot be changed from outside, so these two are shown the
/// truth of a good run with one figure changed.
#[test]
fn degree_and_subset_catch_a_core_with_another_k_and_one_that_serves_what_it_has_not() {
    let scenario = scenario(&[], "");
    let outcome = go(&scenario, |_| None);
    let judge = |snapshot: &_| Checkers::new(&scenario).always(snapshot);
    assert_eq!(judge(&outcome.last), Ok(()));
    let mut other = outcome.last.clone();
    other.nodes.iter_mut().for_each(|node| node.max_peers = 1);
    assert_eq!(
        judge(&other).expect_err("K is 4 and not 1").property,
        "degree"
    );
    let mut empty = outcome.last.clone();
    let views = empty
        .documents
        .values_mut()
        .flat_map(|truth| truth.members.values_mut())
        .filter_map(|member| member.view.as_mut());
    views.for_each(|view| view.holds = false);
    assert_eq!(
        judge(&empty).expect_err("nobody holds anything").property,
        "subset"
    );
}

#[test]
fn a_run_is_decided_by_its_seed() {
    let faults = "[[fault]]\nat = \"1m\"\nevery = \"40s\"\nkind = \"crash\"\ncount = 1\nrestart = \"20s\"\ndisk = \"kept\"\n";
    let scenario = scenario(&[], &(skip("") + faults));
    let digest = |seed| {
        run_with(&scenario, seed, &mut Blind, BTreeMap::new())
            .expect("no trace to read")
            .digest
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

#[test]
fn the_count_of_parents_is_where_it_is_looked_for() {
    let draft = |parents| cliqueclique_core::Draft {
        parents,
        ..Default::default()
    };
    let suite = cliqueclique_sim::suite::Cheap;
    let secret = cliqueclique_core::SecretKey([1; 32]);
    for count in [0_u8, 1, 3] {
        let parents = (0..count)
            .map(|at| cliqueclique_core::DocumentId([at; 32]))
            .collect();
        let document = Document::sign(&draft(parents), &secret, &suite).expect("within limits");
        assert_eq!(document.bytes()[42], count);
    }
}
