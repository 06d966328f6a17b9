//! The events of Markdown that may become HTML: raw HTML turns into text, images into links, links
//! lead to our own pages, and nothing is nested deeper than a reader can follow.

use super::{JOIN, OUT, plain};
use pulldown_cmark::{
    CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream,
};

/// Deepest nesting; what is deeper stands at this depth.
const DEEPEST: usize = 24;
/// Longest address of a link, bytes; longer ones are shown as text.
const LONGEST: usize = 2_048;

/// The events of a body, made safe.
pub(super) fn safe(body: &str) -> impl Iterator<Item = Event<'_>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut filter = Filter::default();
    TextMergeStream::new(Parser::new_ext(body, options)).flat_map(move |event| filter.take(event))
}

/// A link that is open.
struct Link {
    host: Option<String>,
    label: String,
}

#[derive(Default)]
struct Filter {
    depth: usize,
    code: usize,
    /// Of nested links and images only the outermost becomes a link.
    nested: usize,
    link: Option<Link>,
}

impl Filter {
    fn take<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                let text = plain::tame(&text);
                self.label(&text);
                vec![Event::Code(text.into())]
            }
            Event::SoftBreak | Event::HardBreak | Event::Rule => vec![event],
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(&text)
            }
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn label(&mut self, text: &str) {
        if let Some(link) = &mut self.link {
            link.label.push_str(plain::first(text, LONGEST));
        }
    }

    fn text<'a>(&mut self, text: &str) -> Vec<Event<'a>> {
        let text = plain::tame(text);
        self.label(&text);
        if self.link.is_some() || self.code > 0 {
            return vec![Event::Text(text.into())];
        }
        linked(&text)
    }

    fn start<'a>(&mut self, tag: Tag<'a>) -> Vec<Event<'a>> {
        if let Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } = &tag {
            let address = plain::tame(dest_url);
            return self.open(&address);
        }
        self.depth += 1;
        if matches!(tag, Tag::CodeBlock(_)) {
            self.code += 1;
        }
        let kept = if self.depth > DEEPEST {
            None
        } else {
            allowed(tag)
        };
        kept.map(Event::Start).into_iter().collect()
    }

    fn end<'a>(&mut self, tag: TagEnd) -> Vec<Event<'a>> {
        if matches!(tag, TagEnd::Link | TagEnd::Image) {
            return self.close();
        }
        if matches!(tag, TagEnd::CodeBlock) {
            self.code = self.code.saturating_sub(1);
        }
        let deep = self.depth > DEEPEST;
        self.depth = self.depth.saturating_sub(1);
        let kept = if deep { None } else { allowed_end(tag) };
        kept.map(Event::End).into_iter().collect()
    }

    fn open<'a>(&mut self, address: &str) -> Vec<Event<'a>> {
        self.nested += 1;
        let target = target(address).filter(|_| self.nested == 1);
        let Some(target) = target else {
            return Vec::new();
        };
        self.link = Some(Link {
            host: plain::host(address),
            label: String::new(),
        });
        vec![start_link(target)]
    }

    fn close<'a>(&mut self) -> Vec<Event<'a>> {
        self.nested = self.nested.saturating_sub(1);
        if self.nested > 0 {
            return Vec::new();
        }
        let Some(link) = self.link.take() else {
            return Vec::new();
        };
        let hidden = link.host.filter(|host| !plain::shows(&link.label, host));
        let mut events = Vec::new();
        if link.label.trim().is_empty() {
            events.push(Event::Text("link".into()));
        }
        events.push(Event::End(TagEnd::Link));
        events.extend(hidden.map(|host| hint(&host)));
        events
    }
}

/// Where a link of a body leads, as an address of ours.
fn target(address: &str) -> Option<String> {
    if address.len() > LONGEST {
        return None;
    }
    if address.starts_with("cliqueclique:") {
        return Some(format!("{JOIN}{}", plain::escape(address)));
    }
    plain::host(address).map(|_| format!("{OUT}{}", plain::escape(address)))
}

/// The place that a link leads to, behind a link that does not show it.
fn hint<'a>(host: &str) -> Event<'a> {
    let host = plain::html(host);
    Event::InlineHtml(format!(" <span class=\"host\">[<bdi>{host}</bdi>]</span>").into())
}

fn start_link<'a>(target: String) -> Event<'a> {
    Event::Start(Tag::Link {
        link_type: LinkType::Inline,
        dest_url: target.into(),
        title: CowStr::Borrowed(""),
        id: CowStr::Borrowed(""),
    })
}

/// A text whose bare addresses are links.
fn linked<'a>(text: &str) -> Vec<Event<'a>> {
    let mut events = Vec::new();
    let mut rest = text;
    while let Some(at) = ["http://", "https://"]
        .iter()
        .filter_map(|s| rest.find(s))
        .min()
    {
        let (before, from) = rest.split_at(at);
        let stop = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '|' | '\\');
        let whole = &from[..from.find(stop).unwrap_or(from.len())];
        let address = whole.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        push_text(&mut events, before);
        match target(address) {
            Some(target) => events.extend(bare(address, target)),
            None => push_text(&mut events, address),
        }
        rest = &from[address.len()..];
    }
    push_text(&mut events, rest);
    events
}

fn bare<'a>(address: &str, target: String) -> Vec<Event<'a>> {
    let host = plain::host(address).filter(|host| !plain::shows(address, host));
    let mut events = vec![start_link(target)];
    push_text(&mut events, address);
    events.push(Event::End(TagEnd::Link));
    events.extend(host.map(|host| hint(&host)));
    events
}

fn push_text(events: &mut Vec<Event<'_>>, text: &str) {
    if !text.is_empty() {
        events.push(Event::Text(text.to_owned().into()));
    }
}

/// Headings stand below those of the page.
fn lowered(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

fn allowed(tag: Tag<'_>) -> Option<Tag<'_>> {
    match tag {
        Tag::Heading { level, .. } => Some(Tag::Heading {
            level: lowered(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Tag::BlockQuote(_) => Some(Tag::BlockQuote(None)),
        Tag::CodeBlock(_) => Some(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Indented)),
        Tag::Paragraph
        | Tag::List(_)
        | Tag::Item
        | Tag::Table(_)
        | Tag::TableHead
        | Tag::TableRow
        | Tag::TableCell
        | Tag::Emphasis
        | Tag::Strong
        | Tag::Strikethrough => Some(tag),
        Tag::HtmlBlock => Some(Tag::Paragraph),
        Tag::FootnoteDefinition(_)
        | Tag::DefinitionList
        | Tag::DefinitionListTitle
        | Tag::DefinitionListDefinition
        | Tag::Superscript
        | Tag::Subscript
        | Tag::Link { .. }
        | Tag::Image { .. }
        | Tag::MetadataBlock(_) => None,
    }
}

fn allowed_end(tag: TagEnd) -> Option<TagEnd> {
    match tag {
        TagEnd::Heading(level) => Some(TagEnd::Heading(lowered(level))),
        TagEnd::BlockQuote(_) => Some(TagEnd::BlockQuote(None)),
        TagEnd::HtmlBlock => Some(TagEnd::Paragraph),
        TagEnd::Paragraph
        | TagEnd::CodeBlock
        | TagEnd::List(_)
        | TagEnd::Item
        | TagEnd::Table
        | TagEnd::TableHead
        | TagEnd::TableRow
        | TagEnd::TableCell
        | TagEnd::Emphasis
        | TagEnd::Strong
        | TagEnd::Strikethrough => Some(tag),
        TagEnd::FootnoteDefinition
        | TagEnd::DefinitionList
        | TagEnd::DefinitionListTitle
        | TagEnd::DefinitionListDefinition
        | TagEnd::Superscript
        | TagEnd::Subscript
        | TagEnd::Link
        | TagEnd::Image
        | TagEnd::MetadataBlock(_) => None,
    }
}
