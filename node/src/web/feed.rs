//! Atom feeds of documents: pure, from what the store gave to XML. They hold at most
//! [`MOST`] documents, the newest first, with their bodies as the pages show them.

use super::markup::{self, plain};
use atom_syndication::{
    CategoryBuilder, ContentBuilder, Entry, EntryBuilder, Feed, FeedBuilder, FixedDateTime,
    LinkBuilder, PersonBuilder, Text,
};
use chrono::{DateTime, Utc};

/// Type of the answer.
pub(crate) const TYPE: &str = "application/atom+xml; charset=utf-8";
/// Most documents in a feed: more than a reader that asks once a day misses. Guess.
pub(crate) const MOST: usize = 50;
/// The last second that Atom's dates can name (the end of the year 9999).
const LAST: i64 = 253_402_300_799;

/// A feed.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// What it is called.
    pub(crate) title: String,
    /// Its name for ever, behind `urn:cliqueclique:`.
    pub(crate) name: String,
    /// Where it is, absolute.
    pub(crate) own: String,
    /// The page that it belongs to, absolute.
    pub(crate) page: String,
    /// Its documents, newest first.
    pub(crate) items: Vec<Item>,
}

/// A document in a feed.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Its id, hex.
    pub(crate) id: String,
    /// The author as readers see it.
    pub(crate) author: String,
    /// The author's claim of the date, seconds since 1970.
    pub(crate) created: u64,
    /// Content.
    pub(crate) body: String,
    /// Its page, absolute.
    pub(crate) page: String,
}

/// A date as Atom has it; authors may claim any.
fn date(seconds: u64) -> FixedDateTime {
    let seconds = i64::try_from(seconds).unwrap_or(LAST).min(LAST);
    DateTime::<Utc>::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .fixed_offset()
}

fn entry(item: &Item, base: &str) -> Entry {
    let author = PersonBuilder::default()
        .name(plain::tame(&item.author))
        .build();
    let link = LinkBuilder::default()
        .href(item.page.clone())
        .rel("alternate")
        .build();
    let content = ContentBuilder::default()
        .value(markup::render(&item.body))
        .content_type("html".to_owned())
        // Its links lead to pages of this node.
        .base(base.to_owned())
        .build();
    EntryBuilder::default()
        .id(format!("urn:cliqueclique:{}", item.id))
        .title(Text::plain(plain::title(&item.body)))
        .published(date(item.created))
        .updated(date(item.created))
        .author(author)
        .link(link)
        .content(content)
        .build()
}

/// A feed as XML.
pub(crate) fn render(source: &Source) -> String {
    let link = |address: &str, rel: &str| {
        LinkBuilder::default()
            .href(address.to_owned())
            .rel(rel.to_owned())
            .build()
    };
    let items = &source.items[..source.items.len().min(MOST)];
    let newest = items
        .iter()
        .map(|item| item.created)
        .max()
        .unwrap_or_default();
    let category = CategoryBuilder::default()
        .term("cliqueclique".to_owned())
        .build();
    let feed: Feed = FeedBuilder::default()
        .title(Text::plain(plain::tame(&source.title)))
        .id(format!("urn:cliqueclique:{}", source.name))
        .updated(date(newest))
        .link(link(&source.own, "self"))
        .link(link(&source.page, "alternate"))
        .category(category)
        .entries(
            items
                .iter()
                .map(|item| entry(item, &source.page))
                .collect::<Vec<_>>(),
        )
        .build();
    feed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bodies: &[&str]) -> Source {
        let item = |(at, body): (usize, &&str)| Item {
            id: format!("{at:064x}"),
            author: "Ann <ann>".to_owned(),
            created: 1_700_000_000 + at as u64,
            body: (*body).to_owned(),
            page: format!("http://127.0.0.1:8070/document/{at:064x}"),
        };
        Source {
            title: "Roses & co".to_owned(),
            name: "forum:1".to_owned(),
            own: "http://127.0.0.1:8070/feed?a=1&b=2".to_owned(),
            page: "http://127.0.0.1:8070/".to_owned(),
            items: bodies.iter().enumerate().map(item).collect(),
        }
    }

    #[test]
    fn a_feed_reads_back() {
        let xml = render(&source(&["# One\ntext *a*", "Two"]));
        let feed: Feed = xml.parse().expect("Atom");
        assert_eq!(feed.title().as_str(), "Roses & co");
        assert_eq!(feed.entries().len(), 2);
        let entry = &feed.entries()[0];
        assert_eq!(
            (entry.title().as_str(), entry.authors()[0].name()),
            ("One", "Ann <ann>")
        );
        let content = entry
            .content()
            .and_then(|content| content.value())
            .expect("content");
        assert!(content.contains("<em>a</em>"), "{content}");
        assert_eq!(feed.updated().timestamp(), 1_700_000_001);
    }

    #[test]
    fn hostile_bodies_and_dates_make_a_feed_all_the_same() {
        let mut hostile = source(&[
            "]]></content><script>x</script>\u{0}\u{b}\u{ffff}\u{202e}",
            "",
        ]);
        hostile.items[0].created = u64::MAX;
        hostile.items[0].author = "\u{1}]]>".to_owned();
        let xml = render(&hostile);
        let feed: Feed = xml.parse().expect("Atom");
        assert!(!xml.contains("<script"), "{xml}");
        assert!(
            xml.chars()
                .all(|c| (!c.is_control() || c == '\n') && c != '\u{ffff}' && c != '\u{202e}'),
            "{xml}"
        );
        assert_eq!(feed.updated().timestamp(), LAST);
    }

    #[test]
    fn a_feed_is_bounded() {
        let feed: Feed = render(&source(&["x"; 200])).parse().expect("Atom");
        assert_eq!(feed.entries().len(), MOST);
    }
}
