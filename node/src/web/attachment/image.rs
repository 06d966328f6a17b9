//! What files are, by their first bytes, and images without what cameras and programs write into
//! them: places, times, names of owners, thumbnails, comments. Only what is needed to show the
//! picture is kept, by an allow-list; what follows the picture's end is dropped.

use bytes::Bytes;
use img_parts::jpeg::Jpeg;
use img_parts::png::Png;
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::WebP;

/// Chunks of PNG that a picture needs, or that say how its colours and sizes are meant.
const PNG: [&[u8; 4]; 14] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD",
    b"pHYs", b"acTL", b"fcTL", b"fdAT",
];
/// Chunks of WebP likewise.
const WEBP: [&[u8; 4]; 6] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"];
/// Flags in VP8X that announce what was removed: colour profile, EXIF and XMP.
const ANNOUNCED: u8 = 0x20 | 0x08 | 0x04;

/// What a file is.
pub(super) fn kind(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => "image/webp",
        _ if std::str::from_utf8(bytes).is_ok() => "text/plain",
        _ => "application/octet-stream",
    }
}

/// A file without what its maker wrote into it, where that is known how.
///
/// # Errors
/// It is an image of a known kind that is damaged, so that nobody can tell what is in it.
pub(super) fn stripped(kind: &str, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let clean = match kind {
        "image/jpeg" => jpeg(bytes),
        "image/png" => png(bytes),
        "image/gif" => gif(&bytes),
        "image/webp" => webp(bytes),
        _ => return Ok(bytes),
    };
    clean.ok_or_else(|| {
        let name = kind.trim_start_matches("image/");
        format!(
            "this {name} image is damaged, so what it tells of you cannot be removed: open it in \
             a program and save it anew"
        )
    })
}

fn png(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let mut png = Png::from_bytes(Bytes::from(bytes)).ok()?;
    png.chunks_mut()
        .retain(|chunk| PNG.contains(&&chunk.kind()));
    Some(png.encoder().bytes().to_vec())
}

fn webp(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let mut webp = WebP::from_bytes(Bytes::from(bytes)).ok()?;
    webp.chunks_mut()
        .retain(|chunk| WEBP.contains(&&chunk.id()));
    for chunk in webp
        .chunks_mut()
        .iter_mut()
        .filter(|chunk| chunk.id() == *b"VP8X")
    {
        let mut flags = chunk.content().data()?.to_vec();
        *flags.first_mut()? &= !ANNOUNCED;
        *chunk = RiffChunk::new(*b"VP8X", RiffContent::Data(flags.into()));
    }
    Some(webp.encoder().bytes().to_vec())
}

/// Keeps a segment of JPEG: all but comments and what applications add, of which JFIF's own (0)
/// and Adobe's (14) say how the colours are meant.
fn needed(marker: u8) -> bool {
    !matches!(marker, 0xe1..=0xed | 0xef | 0xfe)
}

fn jpeg(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let mut jpeg = Jpeg::from_bytes(Bytes::from(bytes)).ok()?;
    jpeg.segments_mut()
        .retain(|segment| needed(segment.marker()));
    let clean = jpeg.encoder().bytes();
    scans(&clean)
}

/// A JPEG without segments of that kind between its scans, and without what follows its end.
fn scans(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.get(..2)?.to_vec();
    let mut at = 2;
    loop {
        let marker = *bytes.get(at + 1)?;
        if bytes[at] != 0xff {
            // Data of a scan.
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        match marker {
            0xd9 => {
                out.extend([0xff, 0xd9]);
                return Some(out);
            }
            // A fill byte.
            0xff => at += 1,
            // An escaped byte, or a mark of restart: without length.
            0 | 0x01 | 0xd0..=0xd8 => {
                out.extend([0xff, marker]);
                at += 2;
            }
            _ => {
                let length = bytes.get(at + 2..at + 4)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let segment = bytes.get(at..at + 2 + length.max(2))?;
                if needed(marker) {
                    out.extend_from_slice(segment);
                }
                at += segment.len();
            }
        }
    }
}

/// Bytes of a GIF, read one part after another.
struct Gif<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Gif<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    /// A table of colours, if the flags say that there is one.
    fn colours(&mut self, flags: u8) -> Option<&'a [u8]> {
        let size = if flags & 0x80 == 0 {
            0
        } else {
            3 << ((flags & 7) + 1)
        };
        self.take(size)
    }

    /// Blocks up to the empty one.
    fn blocks(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        loop {
            let length = usize::from(self.take(1)?[0]);
            self.take(length)?;
            if length == 0 {
                return self.bytes.get(start..self.at);
            }
        }
    }
}

fn gif(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut gif = Gif { bytes, at: 0 };
    let head = gif.take(13)?;
    let mut out = head.to_vec();
    out.extend_from_slice(gif.colours(head[10])?);
    loop {
        match gif.take(1)?[0] {
            0x3b => {
                out.push(0x3b);
                return Some(out);
            }
            0x2c => {
                let place = gif.take(9)?;
                out.push(0x2c);
                out.extend_from_slice(place);
                out.extend_from_slice(gif.colours(place[8])?);
                out.extend_from_slice(gif.take(1)?);
                out.extend_from_slice(gif.blocks()?);
            }
            0x21 => {
                let label = gif.take(1)?[0];
                let blocks = gif.blocks()?;
                // How frames follow each other, and how often.
                let loops = label == 0xff && blocks.get(1..12) == Some(b"NETSCAPE2.0");
                if label == 0xf9 || loops {
                    out.extend([0x21, label]);
                    out.extend_from_slice(blocks);
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests;
