//! Mails and documents: what of a mail is kept in a document's body, and a document as a mail.

use mail_builder::MessageBuilder;
use mail_builder::headers::message_id::MessageId;
use mail_parser::{Address, DateTime, HeaderValue, Message, MessageParser, MimeHeaders};

/// Longest body of a document that is made of a mail, bytes: with head and signature it fits.
const LONGEST: usize = 120_000;
/// Mails named as answered that are looked at, the nearest first.
const ANSWERS: usize = 32;
/// Longest line that is taken over from a head, characters.
const LINE: usize = 500;

/// What ties a mail to others.
#[derive(Debug)]
pub(super) struct Head {
    /// Hash of its Message-ID, or of the whole head if it has none.
    pub(super) id: [u8; 32],
    /// Hashes of those that it answers, the nearest first.
    pub(super) answers: Vec<[u8; 32]>,
    /// Seconds since 1970.
    pub(super) date: Option<u64>,
}

fn hash(id: &str) -> [u8; 32] {
    *blake3::hash(id.trim().trim_matches(['<', '>']).as_bytes()).as_bytes()
}

/// Reads the lines of a head.
pub(super) fn head(bytes: &[u8]) -> Head {
    let mail = MessageParser::default().parse_headers(bytes);
    let unnamed = || *blake3::hash(bytes).as_bytes();
    let Some(mail) = mail else {
        return Head {
            id: unnamed(),
            answers: Vec::new(),
            date: None,
        };
    };
    // References name all above it, the nearest last.
    let answers = ids(mail.references()).rev().chain(ids(mail.in_reply_to()));
    Head {
        id: mail.message_id().map_or_else(unnamed, hash),
        answers: answers.take(ANSWERS).map(hash).collect(),
        date: date(&mail),
    }
}

fn ids<'x>(value: &'x HeaderValue<'x>) -> impl DoubleEndedIterator<Item = &'x str> {
    let one = value.as_text().into_iter();
    let list = value.as_text_list().into_iter().flatten();
    let all: Vec<&str> = match value {
        HeaderValue::TextList(_) => list.map(AsRef::as_ref).collect(),
        HeaderValue::Text(_)
        | HeaderValue::Address(_)
        | HeaderValue::DateTime(_)
        | HeaderValue::ContentType(_)
        | HeaderValue::Received(_)
        | HeaderValue::Empty => one.collect(),
    };
    all.into_iter()
}

fn date(mail: &Message<'_>) -> Option<u64> {
    let date = mail.date().filter(|date| date.is_valid())?;
    u64::try_from(date.to_timestamp()).ok()
}

/// The body of a document that a mail becomes: its subject, a few lines of its head, its text. The
/// lines of the head are the mail's own claim: the document is signed by who imports it.
pub(crate) fn body(bytes: &[u8]) -> String {
    let Some(mail) = MessageParser::default().parse(bytes) else {
        return clipped(String::from_utf8_lossy(bytes).into_owned());
    };
    let subject = line(mail.subject().unwrap_or_default());
    let subject = if subject.is_empty() {
        "(no subject)".to_owned()
    } else {
        subject
    };
    let mut body = format!("{subject}\n\n");
    if let Some(from) = mail.from().and_then(sender) {
        body += &format!("From: {}  \n", line(&from));
    }
    if let Some(date) = mail.date() {
        body += &format!("Date: {}  \n", date.to_rfc3339());
    }
    if let Some(id) = mail.message_id() {
        body += &format!("Message-ID: {}  \n", line(id));
    }
    body += "\n";
    body += text(&mail).trim_end();
    body += &left_out(&mail);
    clipped(body)
}

fn sender(from: &Address<'_>) -> Option<String> {
    let first = from.first()?;
    Some(match (first.name(), first.address()) {
        (Some(name), Some(address)) => format!("{name} ({address})"),
        (Some(name), None) => name.to_owned(),
        (None, address) => address.unwrap_or_default().to_owned(),
    })
}

fn text(mail: &Message<'_>) -> String {
    let parts = (0..mail.text_body_count()).filter_map(|at| mail.body_text(at));
    let parts: Vec<String> = parts.map(|part| part.replace("\r\n", "\n")).collect();
    parts.join("\n\n")
}

/// What a document cannot take along.
fn left_out(mail: &Message<'_>) -> String {
    let mut lines = String::new();
    for part in mail.attachments() {
        let size = part.contents().len();
        let name = line(part.attachment_name().unwrap_or("without a name"));
        lines += &format!("\n\n(An attachment was left out: {name}, {size} bytes)");
    }
    lines
}

/// One line without what a terminal or a reader would stumble over.
fn line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars()
        .filter(|c| !c.is_control())
        .take(LINE)
        .collect()
}

fn clipped(mut body: String) -> String {
    if body.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| body.is_char_boundary(*at));
        body.truncate(end.unwrap_or(0));
        body += "\n\n(The rest of the mail was left out: a document has 131,072 bytes at most)";
    }
    body
}

/// A document as a mail.
#[derive(Clone, Debug)]
pub(crate) struct Letter<'a> {
    /// Its id, hex.
    pub(crate) id: &'a str,
    /// Its author's node id, hex.
    pub(crate) author: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Documents above it, the nearest last.
    pub(crate) above: &'a [String],
    /// Its first line.
    pub(crate) subject: &'a str,
    /// All of it.
    pub(crate) body: &'a str,
}

/// Writes a document as a mail; all that names somebody are ids.
///
/// # Errors
/// It cannot be written.
pub(crate) fn letter(letter: &Letter<'_>) -> std::io::Result<String> {
    let named = |id: &str| format!("{id}@document.cliqueclique.invalid");
    let author = format!("{}@node.cliqueclique.invalid", letter.author);
    let short = letter.author.get(..8).unwrap_or(letter.author).to_owned();
    let date = i64::try_from(letter.created).unwrap_or(i64::MAX);
    let mut mail = MessageBuilder::new()
        .from((short, author))
        .subject(letter.subject.to_owned())
        .date(date)
        .message_id(named(letter.id))
        .text_body(letter.body.to_owned());
    if let Some(last) = letter.above.last() {
        let above: Vec<String> = letter.above.iter().map(|id| named(id)).collect();
        mail = mail.in_reply_to(named(last));
        mail = mail.references(MessageId::from(above));
    }
    mail.write_to_string()
}

/// A date as the line before a mail has it.
pub(super) fn asctime(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let seconds = i64::try_from(seconds).unwrap_or(0);
    let date = DateTime::from_timestamp(seconds);
    let month = MONTHS[usize::from(date.month.clamp(1, 12)) - 1];
    format!(
        "{} {month} {:2} {:02}:{:02}:{:02} {}",
        DAYS[usize::from(date.day_of_week() % 7)],
        date.day,
        date.hour,
        date.minute,
        date.second,
        date.year
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_becomes_a_readable_body() {
        let mail = "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\r\n\
            Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\nDate: Thu, 1 Jan 2004 01:00:00 +0100\r\n\
            Message-ID: <1@x>\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6n.\r\n\
            --b\r\nContent-Type: image/png; name=\"a.png\"\r\n\
            Content-Disposition: attachment; filename=\"a.png\"\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n";
        let body = body(mail.as_bytes());
        assert!(
            body.starts_with("Grüße\n\nFrom: Jürgen (j@example.org)"),
            "{body}"
        );
        assert!(body.contains("Date: 2004-01-01T01:00:00+01:00"), "{body}");
        assert!(body.contains("\n\nSchön."), "{body}");
        assert!(body.contains("left out: a.png, 3 bytes"), "{body}");
    }

    #[test]
    fn odd_mails_become_something_too() {
        assert!(body(b"").starts_with("(no subject)") || body(b"").is_empty());
        assert!(body(b"\xff\xfe junk").len() < 200);
        let long = format!("Subject: long\n\n{}", "ü".repeat(200_000));
        assert!(body(long.as_bytes()).len() < LONGEST + 200);
    }

    #[test]
    fn a_letter_reads_back_as_a_mail() {
        let above = ["aa".repeat(32), "bb".repeat(32)];
        let text = letter(&Letter {
            id: &"cc".repeat(32),
            author: &"dd".repeat(16),
            created: 1_072_915_200,
            above: &above,
            subject: "Grüße",
            body: "Grüße\nSchön.",
        })
        .expect("written");
        let found = head(text.as_bytes());
        assert_eq!(found.date, Some(1_072_915_200));
        let named = |id: &str| hash(&format!("{id}@document.cliqueclique.invalid"));
        assert_eq!(found.id, named(&"cc".repeat(32)));
        assert_eq!(found.answers[0], named(&above[1]));
        assert!(body(text.as_bytes()).contains("Schön."));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(asctime(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(asctime(1_072_915_200), "Thu Jan  1 00:00:00 2004");
    }
}
