//! Wishes are inherited, overridden and dropped as users expect.

use super::*;
use crate::suite::Cheap;
use bytes::Bytes;
use cliqueclique_core::document::Draft;
use cliqueclique_core::id::SecretKey;

fn publish(truth: &mut Truth, author: Index, parents: &[Number], children: &[Number]) -> Number {
    let ids = |numbers: &[Number]| {
        numbers
            .iter()
            .map(|&n| truth.entry(n).document.id())
            .collect()
    };
    let body = Bytes::from((truth.entries().len() as u64).to_le_bytes().to_vec());
    let draft = Draft {
        parents: ids(parents),
        children: ids(children),
        body,
        ..Draft::default()
    };
    let document = Document::sign(&draft, &SecretKey([1; 32]), &Cheap).expect("within limits");
    let number = truth.publish(&document, author, |_| true);
    truth.stored(number, author);
    number
}

#[test]
fn who_follows_a_document_follows_its_comments() {
    let mut truth = Truth::new(3);
    let root = publish(&mut truth, 0, &[], &[]);
    truth.wish(1, root, Mode::Follow);
    truth.wish(2, root, Mode::Subscribe);
    truth.stored(root, 1);
    let comment = publish(&mut truth, 0, &[root], &[]);
    let reply = publish(&mut truth, 0, &[comment], &[]);
    assert_eq!(truth.interest(reply, 1), Some(Interest::Subscribed));
    assert_eq!(truth.interest(comment, 2), Some(Interest::Comment));
    assert_eq!(truth.interest(reply, 2), None);
    assert_eq!(
        truth.expected(comment),
        1,
        "node 2 does not hold the root yet"
    );
}

#[test]
fn an_explicit_wish_wins_over_an_inherited_one_and_leaving_is_recursive() {
    let mut truth = Truth::new(2);
    let root = publish(&mut truth, 0, &[], &[]);
    let comment = publish(&mut truth, 0, &[root], &[]);
    let reply = publish(&mut truth, 0, &[comment], &[]);
    truth.wish(1, root, Mode::Follow);
    assert_eq!(truth.interest(reply, 1), Some(Interest::Subscribed));
    truth.wish(1, comment, Mode::Hold);
    assert_eq!(truth.interest(comment, 1), Some(Interest::Comment));
    assert_eq!(truth.interest(reply, 1), None);
    assert!(
        truth.subscribed_above(reply, 1) && !truth.subscribes_above(reply, 1),
        "once it did"
    );
    truth.forget(1, root);
    assert_eq!(truth.interest(comment, 1), None);
    let late = publish(&mut truth, 0, &[reply], &[]);
    assert!(truth.subscribed_above(late, 1), "its peers do not know yet");
    truth.advance(Time::ZERO + UNTOLD);
    let later = publish(&mut truth, 0, &[late], &[]);
    let latest = publish(&mut truth, 0, &[later], &[]);
    assert!(!truth.subscribed_above(latest, 1), "now they do");
}

#[test]
fn an_author_is_interested_until_somebody_else_has_the_document() {
    let mut truth = Truth::new(2);
    let root = publish(&mut truth, 0, &[], &[]);
    assert_eq!(truth.interest(root, 0), Some(Interest::Author));
    assert!(truth.stored(root, 1));
    assert!(!truth.stored(root, 1));
    assert_eq!(truth.interest(root, 0), None);
    assert!(truth.lost(root, 1));
    assert!(truth.shares(root, 1) && !truth.holds(root, 1));
}

#[test]
fn a_link_document_attaches_an_older_one_below_its_parents() {
    let mut truth = Truth::new(2);
    let (root, old) = (
        publish(&mut truth, 0, &[], &[]),
        publish(&mut truth, 0, &[], &[]),
    );
    truth.wish(1, root, Mode::Follow);
    assert_eq!(truth.interest(old, 1), None);
    let link = publish(&mut truth, 0, &[root], &[old]);
    assert_eq!(truth.interest(old, 1), Some(Interest::Subscribed));
    let snapshot = truth.document(link, &[], |_, _| None);
    assert_eq!(snapshot.comments, [truth.entry(old).document.tag()]);
    assert_eq!(
        snapshot.members.get(&1).map(|member| member.wish),
        Some(Mode::Follow)
    );
}

#[test]
fn a_snapshot_lists_members_with_a_wish_or_a_view() {
    let mut truth = Truth::new(4);
    let root = publish(&mut truth, 0, &[], &[]);
    truth.wish(1, root, Mode::Subscribe);
    truth.bookmark(2, root, true);
    let comment = publish(&mut truth, 0, &[root], &[]);
    truth.stored(comment, 1);
    let snapshot = truth.document(root, &[], |_, _| None);
    assert_eq!(
        snapshot.members.keys().copied().collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(
        snapshot.members[&1].comments_held,
        [truth.entry(comment).document.tag()]
    );
}
