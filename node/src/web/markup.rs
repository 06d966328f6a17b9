//! Bodies of documents as HTML that can do nothing: Markdown, rendered from an allow-list of events
//! and sanitised again. Nothing is loaded from elsewhere, links out lead to a page that warns, raw
//! HTML is shown as text, and time and memory are bounded for whatever somebody wrote.
//!
//! Two walls: [`events`] lets through only what is wanted, and ammonia would let nothing else out
//! if it did not.

mod events;
pub(crate) mod plain;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::html;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

/// The page that warns before a link leads out; the address is in `to`.
pub(crate) const OUT: &str = "/out?to=";
/// The page that shows what an invitation leads to.
pub(crate) const JOIN: &str = "/join?invite=";
/// Longest body read as Markdown, bytes: that of a document. Longer ones are shown as plain text.
const MOST_MARKDOWN: usize = 128 * 1024;
/// Most HTML of one body, bytes: what an ordinary body of that length can come to.
const MOST_HTML: usize = 1024 * 1024;
/// Longest plain text shown, bytes.
const MOST_PLAIN: usize = 256 * 1024;
/// What links out say of themselves: the place they lead to learns nothing from them.
const REL: &str = "noopener noreferrer nofollow ugc";
/// Told below a body that was cut.
const CUT: &str = "<p class=\"cut\">The rest is too large to be shown here.</p>";

const TAGS: [&str; 26] = [
    "p",
    "br",
    "hr",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "pre",
    "code",
    "em",
    "strong",
    "del",
    "ul",
    "ol",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "a",
    "span",
    "bdi",
    "div",
];

/// Blocks whose direction is that of their own first letter.
const DIRECTED: [&str; 8] = ["p", "h3", "h4", "h5", "h6", "li", "th", "td"];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    let href = HashMap::from([
        ("a", HashSet::from(["href"])),
        ("ol", HashSet::from(["start"])),
    ]);
    let classes = HashMap::from([("span", HashSet::from(["host"]))]);
    builder
        .tags(TAGS.into())
        .tag_attributes(href)
        .allowed_classes(classes)
        .url_schemes(HashSet::new())
        .link_rel(Some(REL))
        .url_relative(UrlRelative::Custom(Box::new(ours)));
    for tag in DIRECTED {
        builder.set_tag_attribute_value(tag, "dir", "auto");
    }
    builder
});

/// Of relative addresses only our own two pages.
fn ours(address: &str) -> Option<Cow<'_, str>> {
    let known = address.starts_with(OUT) || address.starts_with(JOIN);
    known.then_some(Cow::Borrowed(address))
}

/// A string that refuses to grow over its bound.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MOST_HTML {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// A body as HTML that is safe to put into a page.
pub(crate) fn render(body: &str) -> String {
    if body.len() > MOST_MARKDOWN {
        return preformatted(body);
    }
    let mut out = Bounded(String::new());
    let whole = html::write_html_fmt(&mut out, events::safe(body)).is_ok();
    let mut clean = CLEANER.clean(&out.0).to_string();
    if !whole {
        clean.push_str(CUT);
    }
    clean
}

/// A body as plain text, cut if it is very long.
fn preformatted(body: &str) -> String {
    let shown = plain::first(body, MOST_PLAIN);
    let text = plain::html(&plain::tame(shown));
    let cut = if shown.len() < body.len() { CUT } else { "" };
    format!("<pre dir=\"auto\">{text}</pre>{cut}")
}

#[cfg(test)]
mod tests;
