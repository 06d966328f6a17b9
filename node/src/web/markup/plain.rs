//! Text that others wrote, so that it cannot lie about its order or its end: titles, names, bodies.

/// Longest title, characters.
const TITLE: usize = 120;

/// Characters that turn the order of what follows, or are not seen at all. Marks of direction
/// (U+200E, U+200F, U+061C) and joiners stay: right-to-left texts and many scripts need them.
fn deceives(character: char) -> bool {
    matches!(
        character,
        '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
            | '\u{200b}'
            | '\u{2060}'..='\u{2064}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// A text without characters that deceive or that a page cannot have.
pub(crate) fn tame(text: &str) -> String {
    let fits = |c: &char| !deceives(*c) && (!c.is_control() || matches!(c, '\n' | '\t'));
    text.chars().filter(fits).collect()
}

/// The beginning of a text, at most so many bytes, whole characters.
pub(crate) fn first(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What a document is called in lists: its first line that says something, without marks of
/// Markdown.
pub(crate) fn title(body: &str) -> String {
    let line = |line: &str| {
        let tamed = tame(first(line, 8 * TITLE));
        let bare = tamed
            .trim()
            .trim_start_matches(['#', '>', '*', '-', '_', '`', '=', '~', ' '])
            .trim_end_matches(['#', '*', '_', '`', '=', '~', ' ']);
        bare.chars().take(TITLE).collect::<String>()
    };
    // A body of empty lines has no title, and is not read to its end for one.
    let found = first(body, 64 * TITLE)
        .lines()
        .map(line)
        .find(|line| !line.is_empty());
    found.unwrap_or_else(|| "(no title)".to_owned())
}

/// What stands below the title, for a page that shows it already: the body without its first
/// paragraph, if that is the title and nothing else.
pub(crate) fn below_title<'a>(body: &'a str, title: &str) -> &'a str {
    let trimmed = body.trim_start_matches(['\n', '\r']);
    let (line, rest) = trimmed.split_once('\n').unwrap_or((trimmed, ""));
    let words = line.trim_start_matches('#');
    let heading = words.len() < line.len() && words.starts_with(' ');
    let next = rest.lines().next().unwrap_or_default();
    // Marks and links show more than the title does.
    let plain = !words.contains(['*', '_', '`', '[', ']', '<', '&', '\\', '~', '|', ':']);
    let same = if heading {
        words.trim()
    } else {
        line.trim_end()
    };
    if (heading || next.trim().is_empty()) && plain && same == title {
        rest
    } else {
        body
    }
}

/// Who an address leads to, as it can be told apart from all others: in ASCII, and without the
/// name and password that look like a place.
pub(crate) fn host(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = url.host_str()?;
    Some(
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
    )
}

/// True if a link's text shows the very place that the link leads to.
pub(crate) fn shows(label: &str, host: &str) -> bool {
    let label = label.trim();
    let bare = ["https://", "http://"]
        .iter()
        .find_map(|scheme| label.strip_prefix(scheme));
    let rest = bare.unwrap_or(label).strip_prefix(host);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// Text in HTML, also between quotes.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// Text in a query.
pub(crate) fn escape(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
