//! Mails in one file after another (RFC 4155, and `mboxrd` for lines that begin with `From `).
//!
//! Reading goes over the file twice: once for the heads, of which only hashes and places are
//! kept, so that a file of any size fits; then for each mail when its turn comes.

use super::mail::{self, Head};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// Begins a mail.
pub(crate) const FROM: &[u8] = b"From ";
/// Most mails in one file: about 200 bytes each are kept.
pub(crate) const MOST: usize = 1_000_000;
/// Most bytes that are read of one mail; more cannot become a document anyway.
const LONGEST: u64 = 4 * 1024 * 1024;
/// Most bytes of a head.
const HEAD: usize = 64 * 1024;

/// Where a mail stands, and what it answers.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// First byte after its `From ` line, and how many there are.
    offset: u64,
    length: u64,
    /// Hash of its Message-ID, or of its head if it has none.
    pub(crate) id: [u8; 32],
    /// Its date, seconds since 1970, if it has one.
    pub(crate) date: Option<u64>,
    /// The mail that it answers, by its place in the list.
    pub(crate) above: Option<usize>,
}

/// The mails of a file, each behind the one that it answers.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Mails.
    pub(crate) mails: Vec<Place>,
    /// Mails that came again, and are left out.
    pub(crate) doubled: usize,
}

/// Finds all mails of a file.
///
/// # Errors
/// It cannot be read, is no mbox, or has too many mails.
pub(crate) fn index(file: &mut impl BufRead) -> io::Result<Index> {
    let mut scan = Scan::default();
    let mut line = Vec::new();
    let mut at = 0_u64;
    let mut blank = true;
    loop {
        line.clear();
        // A line longer than a head is no head's; the rest of it counts as another line.
        let most = u64::try_from(HEAD).unwrap_or(u64::MAX);
        let got = file.by_ref().take(most).read_until(b'\n', &mut line)?;
        if got == 0 {
            break;
        }
        let begins = blank && line.starts_with(FROM);
        if at == 0 && !begins {
            let text = "it does not begin with a line 'From …', as an mbox does";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let next = at + u64::try_from(got).unwrap_or(0);
        if begins {
            scan.end(at)?;
            scan.begin(next);
        } else {
            scan.line(&line);
        }
        blank = matches!(&line[..], b"\n" | b"\r\n");
        at = next;
    }
    scan.end(at)?;
    Ok(scan.tied())
}

/// Reads one mail.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read(file: &mut (impl Read + Seek), place: &Place) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(place.offset))?;
    let mut bytes = Vec::new();
    file.take(place.length.min(LONGEST))
        .read_to_end(&mut bytes)?;
    Ok(unquoted(&bytes))
}

/// Takes one `>` away from lines that began with `From ` once.
fn unquoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let rest = line.iter().position(|byte| *byte != b'>').unwrap_or(0);
        let quoted = rest > 0 && line[rest..].starts_with(FROM);
        out.extend_from_slice(if quoted { &line[1..] } else { line });
    }
    out
}

/// Adds one mail to a file of mails: lines that begin with `From ` are quoted.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(out: &mut impl io::Write, mail: &str, date: u64) -> io::Result<()> {
    writeln!(out, "From cliqueclique {}", mail::asctime(date))?;
    for line in mail.lines() {
        let quoted = line.trim_start_matches('>').starts_with("From ");
        writeln!(out, "{}{line}", if quoted { ">" } else { "" })?;
    }
    writeln!(out)
}

#[derive(Default)]
struct Scan {
    begun: Option<u64>,
    head: Vec<u8>,
    in_head: bool,
    found: Vec<(Place, Vec<[u8; 32]>)>,
    by_id: BTreeMap<[u8; 32], usize>,
    doubled: usize,
}

impl Scan {
    fn begin(&mut self, at: u64) {
        self.begun = Some(at);
        self.head.clear();
        self.in_head = true;
    }

    fn line(&mut self, line: &[u8]) {
        if !self.in_head {
            return;
        }
        let ends = matches!(line, b"\n" | b"\r\n");
        if ends || self.head.len() + line.len() > HEAD {
            self.in_head = false;
        } else {
            self.head.extend_from_slice(line);
        }
    }

    fn end(&mut self, at: u64) -> io::Result<()> {
        let Some(offset) = self.begun.take() else {
            return Ok(());
        };
        let Head { id, answers, date } = mail::head(&self.head);
        if self.by_id.contains_key(&id) {
            self.doubled += 1;
            return Ok(());
        }
        if self.found.len() >= MOST {
            let text = format!("it has more than {MOST} mails: split it");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        self.by_id.insert(id, self.found.len());
        let place = Place {
            offset,
            length: at - offset,
            id,
            date,
            above: None,
        };
        self.found.push((place, answers));
        Ok(())
    }

    /// Ties each mail to the one that it answers, and puts them behind these.
    fn tied(self) -> Index {
        let find = |ids: &[[u8; 32]]| ids.iter().find_map(|id| self.by_id.get(id).copied());
        let mut above: Vec<Option<usize>> = self
            .found
            .iter()
            .enumerate()
            .map(|(at, (_, answers))| find(answers).filter(|above| *above != at))
            .collect();
        let order = downwards(&mut above);
        let mut place_of = vec![0; above.len()];
        for (new, old) in order.iter().enumerate() {
            place_of[*old] = new;
        }
        let mails = order.iter().map(|old| Place {
            above: above[*old].map(|above| place_of[above]),
            ..self.found[*old].0.clone()
        });
        Index {
            mails: mails.collect(),
            doubled: self.doubled,
        }
    }
}

/// The order in which each comes behind the one above it, and else as they are. Where mails answer
/// each other in a circle, one of them is taken to answer none.
fn downwards(above: &mut [Option<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(above.len());
    let mut done = vec![false; above.len()];
    for start in 0..above.len() {
        let mut way = Vec::new();
        let mut at = Some(start);
        while let Some(here) = at.filter(|here| !done[*here]) {
            // Known only while it is walked: a mail on the way is marked when it is reached again.
            done[here] = true;
            way.push(here);
            at = above[here];
        }
        let circle = at.filter(|end| way.contains(end));
        if let (Some(_), Some(last)) = (circle, way.last()) {
            above[*last] = None;
        }
        order.extend(way.into_iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const THREE: &str = "From a Thu Jan  1 00:00:00 1970\n\
        Message-ID: <2@x>\nIn-Reply-To: <1@x>\nSubject: Re: one\n\nAn answer.\n\
        >From here it is quoted.\n\n\
        From b Thu Jan  1 00:00:00 1970\n\
        Message-ID: <1@x>\nSubject: one\nDate: Thu, 1 Jan 2004 00:00:00 +0000\n\nA mail.\n\
        From here on it goes on.\n\n\
        From b Thu Jan  1 00:00:00 1970\n\
        Message-ID: <1@x>\nSubject: one again\n\nIt came twice.\n";

    #[test]
    fn mails_are_found_tied_and_put_in_order() {
        let found = index(&mut Cursor::new(THREE)).expect("an mbox");
        assert_eq!((found.mails.len(), found.doubled), (2, 1));
        assert_eq!(found.mails[0].above, None);
        assert_eq!(found.mails[0].date, Some(1_072_915_200));
        assert_eq!(found.mails[1].above, Some(0));
        let mut file = Cursor::new(THREE);
        let text = |place| String::from_utf8(read(&mut file, place).expect("read")).expect("text");
        let texts: Vec<String> = found.mails.iter().map(text).collect();
        assert!(
            texts[0].contains("\nFrom here on it goes on."),
            "{}",
            texts[0]
        );
        assert!(
            texts[1].contains("\nFrom here it is quoted."),
            "{}",
            texts[1]
        );
    }

    #[test]
    fn circles_are_broken_and_chains_stay() {
        let mut above = vec![Some(1), Some(2), Some(0), Some(4), None, Some(3), Some(0)];
        let order = downwards(&mut above);
        assert_eq!(order.len(), 7);
        let at = |mail: usize| order.iter().position(|other| *other == mail);
        for (mail, above) in above.iter().enumerate() {
            assert!(above.is_none_or(|above| at(above) < at(mail)), "{mail}");
        }
        assert_eq!(above.iter().flatten().count(), 5);
    }

    #[test]
    fn what_is_no_mbox_is_refused_and_junk_does_no_harm() {
        assert!(index(&mut Cursor::new("Subject: x\n\ny")).is_err());
        assert!(index(&mut Cursor::new("")).expect("empty").mails.is_empty());
        let junk: Vec<u8> = (0..200_000_u32).map(|n| (n * 31 % 251) as u8).collect();
        let junk = [FROM, &junk].concat();
        assert_eq!(index(&mut Cursor::new(junk)).expect("found").mails.len(), 1);
    }

    #[test]
    fn written_mails_are_read_again() {
        let mut file = Vec::new();
        write(&mut file, "Message-ID: <a>\n\nFrom me\n>From him\n", 0).expect("written");
        write(&mut file, "Message-ID: <b>\n\nMore", 0).expect("written");
        let found = index(&mut Cursor::new(&file)).expect("an mbox");
        assert_eq!(found.mails.len(), 2);
        let first = read(&mut Cursor::new(&file), &found.mails[0]).expect("read");
        let first = String::from_utf8(first).expect("text");
        assert!(first.contains("\nFrom me\n>From him\n"), "{first}");
    }
}
