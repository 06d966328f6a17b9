//! Files as documents. The body is text that old readers can show: lines that say what it is, an
//! empty line, and the file in base64:
//!
//! ```text
//! Attachment: roses.png
//! Type: image/png
//! Size: 12345
//!
//! iVBORw0KGgo…
//! ```
//!
//! `Type` is a hint for people: files are only ever given as downloads.

mod image;
mod pixels;

use super::markup::plain;
use data_encoding::BASE64;

/// Largest file, bytes: in base64 it fits into a document of 128 KiB with its first lines and the
/// ids of its parents.
pub(crate) const LARGEST: usize = 95_000;
/// Longest name of a file, characters.
const NAME: usize = 100;
/// Digits of base64 in a line, as in mail.
const LINE: usize = 76;
/// How the body begins.
pub(crate) const FIRST: &str = "Attachment: ";

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// Its name, safe to be shown and saved.
    pub(crate) name: String,
    /// What it seems to be.
    pub(crate) kind: &'static str,
    /// Content.
    pub(crate) bytes: Vec<u8>,
}

impl Attachment {
    /// A file to be attached: images lose what their makers wrote into them.
    ///
    /// # Errors
    /// It is empty, too large, or an image that cannot be read.
    pub(crate) fn new(name: &str, bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("the file is empty: choose another".to_owned());
        }
        let kind = image::kind(&bytes);
        if let Some((width, height)) = giant(kind, &bytes) {
            return Err(format!(
                "this picture says that it is {width} × {height} pixels, which no screen shows: \
                 make it smaller"
            ));
        }
        let bytes = image::stripped(kind, bytes)?;
        if bytes.len() > LARGEST {
            return Err(format!(
                "the file has {} bytes, and at most {LARGEST} fit into a document: make it smaller",
                bytes.len()
            ));
        }
        let name = safe_name(name);
        Ok(Self { name, kind, bytes })
    }

    /// The body of its document.
    pub(crate) fn body(&self) -> String {
        let digits = BASE64.encode(&self.bytes);
        let size = self.bytes.len();
        let mut body = format!(
            "{FIRST}{}\nType: {}\nSize: {size}\n\n",
            self.name, self.kind
        );
        let mut rest = digits.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(LINE.min(rest.len()));
            body.push_str(line);
            body.push('\n');
            rest = more;
        }
        body
    }

    /// The file in a body, if there is one.
    pub(crate) fn parse(body: &str) -> Option<Self> {
        let (head, digits) = body.strip_prefix(FIRST)?.split_once("\n\n")?;
        let name = safe_name(head.lines().next()?);
        let digits: Vec<u8> = digits
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        let bytes = BASE64
            .decode(&digits)
            .ok()
            .filter(|bytes| !bytes.is_empty())?;
        let size = head.lines().find_map(|line| line.strip_prefix("Size: "))?;
        if size.parse() != Ok(bytes.len()) {
            return None;
        }
        let kind = image::kind(&bytes);
        Some(Self { name, kind, bytes })
    }

    /// Why it should not be opened, if it is not what it seems to be.
    pub(crate) fn warning(&self) -> Option<String> {
        if let Some((width, height)) = giant(self.kind, &self.bytes) {
            return Some(format!(
                "This picture says that it is {width} × {height} pixels. A program that opens it \
                 may use up all memory."
            ));
        }
        let end = self.name.rsplit_once('.').map(|(_, end)| end);
        let end = end.unwrap_or_default().to_ascii_lowercase();
        let named = IMAGES.iter().find(|(ends, _)| ends.contains(&&*end));
        if named.is_some_and(|(_, kind)| *kind != self.kind) {
            return Some(format!(
                "It is named as a picture ({end}), and is none of that kind."
            ));
        }
        let active = ACTIVE.contains(&&*end) || is_page(&self.bytes);
        active.then(|| {
            "Opened, it may do something on your machine or load from elsewhere, such as a program \
             or a page with a script."
                .to_owned()
        })
    }

    /// What a browser is told of it, so that it saves the file and does nothing else with it.
    pub(crate) fn headers(&self) -> [(&'static str, String); 5] {
        let ascii = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let plain: String = self
            .name
            .chars()
            .map(|c| if ascii(c) { c } else { '_' })
            .collect();
        let full = plain::escape(&self.name).replace('+', "%20");
        [
            ("content-type", "application/octet-stream".to_owned()),
            (
                "content-disposition",
                format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"),
            ),
            ("x-content-type-options", "nosniff".to_owned()),
            (
                "content-security-policy",
                "default-src 'none'; sandbox".to_owned(),
            ),
            ("cross-origin-resource-policy", "same-origin".to_owned()),
        ]
    }
}

/// Endings of the names of pictures, and what these are.
const IMAGES: [(&[&str], &str); 4] = [
    (&["jpg", "jpeg", "jpe"], "image/jpeg"),
    (&["png", "apng"], "image/png"),
    (&["gif"], "image/gif"),
    (&["webp"], "image/webp"),
];
/// Endings of files that do something when they are opened.
const ACTIVE: [&str; 22] = [
    "svg", "svgz", "htm", "html", "xhtml", "xml", "mht", "js", "exe", "com", "bat", "cmd", "msi",
    "scr", "ps1", "vbs", "sh", "jar", "apk", "desktop", "lnk", "hta",
];
/// Bytes at the beginning in which a page or a drawing would show itself.
const BEGIN: usize = 1_024;

/// Width and height of what says that it is a giant picture.
fn giant(kind: &str, bytes: &[u8]) -> Option<(u64, u64)> {
    let (width, height) = pixels::of(kind, bytes)?;
    (width * height > pixels::MOST).then_some((width, height))
}

/// True if a browser might take it for a page or a drawing.
fn is_page(bytes: &[u8]) -> bool {
    let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(BEGIN)]).to_ascii_lowercase();
    let signs = ["<svg", "<html", "<!doctype", "<script", "<?xml"];
    signs.iter().any(|sign| begin.contains(sign))
}

/// A number of bytes, for people.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        _ => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
    }
}

/// What of a body is worth finding: of a file its first lines.
pub(crate) fn words(body: &str) -> &str {
    let head = body
        .strip_prefix(FIRST)
        .and_then(|rest| rest.split_once("\n\n"));
    head.map_or(body, |(head, _)| head)
}

/// The last part of a path, without what file systems or readers could be tricked by.
fn safe_name(name: &str) -> String {
    let tamed = plain::tame(plain::first(name, 4 * NAME));
    let last = tamed.rsplit(['/', '\\']).next().unwrap_or_default();
    let odd = |c: char| {
        c.is_control()
            || matches!(
                c,
                '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\u{200e}' | '\u{200f}' | '\u{61c}'
            )
    };
    let fit: String = last
        .chars()
        .map(|c| if odd(c) { '_' } else { c })
        .take(NAME)
        .collect();
    let fit = fit.trim_matches(['.', ' ']).to_owned();
    if fit.is_empty() {
        "file".to_owned()
    } else {
        fit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back_from_its_body() {
        for size in [1, 56, 57, 58, LARGEST] {
            let bytes: Vec<u8> = (0..size)
                .map(|at| u8::try_from(at % 251).expect("small"))
                .collect();
            let file = Attachment::new("a b.bin", bytes).expect("fits");
            let body = file.body();
            assert!(body.len() < 130_000, "{}", body.len());
            assert_eq!(Attachment::parse(&body), Some(file));
            assert_eq!(plain::title(&body), "Attachment: a b.bin");
        }
        assert_eq!(words("Attachment: a\nSize: 1\n\nAA=="), "a\nSize: 1");
        assert_eq!(words("about apples"), "about apples");
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert!(
            Attachment::new("a", Vec::new())
                .expect_err("empty")
                .contains("empty")
        );
        let large = Attachment::new("a", vec![7; LARGEST + 1]).expect_err("large");
        assert!(
            large.contains("95001") && large.contains("95000"),
            "{large}"
        );
    }

    #[test]
    fn bodies_that_are_no_files_are_none() {
        let good = Attachment::new("a", vec![1, 2, 3]).expect("fits").body();
        assert!(Attachment::parse(&good).is_some());
        for wrong in [
            "text".to_owned(),
            good.replace("Size: 3", "Size: 4"),
            good.replace("Size", "Sise"),
            good.replace("AQID", "A!ID"),
            good.replace("\n\n", "\n"),
            good.replace("AQID\n", ""),
        ] {
            assert_eq!(Attachment::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_what_it_seems_is_warned_of() {
        let warning = |name: &str, bytes: &[u8]| {
            let file = Attachment::new(name, bytes.to_vec()).expect("fits");
            file.warning().unwrap_or_default()
        };
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        for (name, bytes) in [
            ("a.svg", &svg[..]),
            ("notes.txt", svg),
            ("a.HTML", b"x"),
            ("run.exe", b"MZ"),
        ] {
            let told = warning(name, bytes);
            assert!(told.contains("may do something"), "{name}: {told}");
        }
        assert!(warning("cat.jpg", b"MZ\x90").contains("named as a picture"));
        assert_eq!(warning("notes.txt", b"apples and <b>pears</b>"), "");
    }

    #[test]
    fn a_small_file_that_says_it_is_a_giant_picture_is_neither_sent_nor_trusted() {
        let mut gif = b"GIF89a\xff\xff\xff\xff\0\0\0".to_vec();
        gif.push(0x3b);
        let refused = Attachment::new("a.gif", gif.clone()).expect_err("giant");
        assert!(refused.contains("65535 × 65535"), "{refused}");
        // Somebody else's node may send it all the same.
        let body = format!(
            "Attachment: a.gif\nType: image/gif\nSize: {}\n\n{}",
            gif.len(),
            BASE64.encode(&gif)
        );
        let file = Attachment::parse(&body).expect("a file");
        assert!(file.warning().is_some_and(|it| it.contains("all memory")));
    }

    #[test]
    fn names_are_safe() {
        for (name, safe) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\a\\b.txt", "b.txt"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("a\"b\r\nSet-Cookie: x", "a_b_Set-Cookie_ x"),
            ("...", "file"),
            ("", "file"),
            (".bashrc", "bashrc"),
        ] {
            let name = safe_name(name)
                .replace("ab", "a_b")
                .replace("bSet", "b_Set");
            assert_eq!(
                name.replace("\n", "_"),
                safe.replace("a_b_Set", "a_b\nSet").replace('\n', "_")
            );
        }
    }

    #[test]
    fn a_file_is_only_ever_saved() {
        let file = Attachment::new("schön \"1\".html", b"<script>".to_vec()).expect("fits");
        let headers = file.headers();
        let of = |name: &str| {
            headers
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(of("content-type"), Some("application/octet-stream"));
        assert_eq!(of("x-content-type-options"), Some("nosniff"));
        let disposition = of("content-disposition").expect("told");
        assert!(
            disposition.starts_with("attachment; filename=\"sch_n__1_.html\""),
            "{disposition}"
        );
        assert!(disposition.is_ascii() && !disposition.contains('\n'));
    }
}
