//! How large a picture says that it is, from its head alone: no picture is ever unpacked here. What
//! claims to be giant in a small file is made to exhaust the memory of who opens it.

/// Most pixels of a picture that goes out, and that is not warned of: a large camera's.
pub(super) const MOST: u64 = 100_000_000;

/// Width and height, if the file is a picture whose head can be read.
pub(super) fn of(kind: &str, bytes: &[u8]) -> Option<(u64, u64)> {
    match kind {
        "image/png" => Some((large(bytes, 16)?, large(bytes, 20)?)),
        "image/gif" => Some((little(bytes, 6, 2)?, little(bytes, 8, 2)?)),
        "image/webp" => webp(bytes),
        "image/jpeg" => jpeg(bytes),
        _ => None,
    }
}

/// Four bytes, the greatest first.
fn large(bytes: &[u8], at: usize) -> Option<u64> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u64::from(u32::from_be_bytes(four)))
}

/// Some bytes, the smallest first.
fn little(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let some = bytes.get(at..at + count)?.iter().rev();
    Some(some.fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

fn webp(bytes: &[u8]) -> Option<(u64, u64)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        b"VP8L" => {
            let bits = little(bytes, 21, 4)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => Some((
            little(bytes, 26, 2)? & 0x3fff,
            little(bytes, 28, 2)? & 0x3fff,
        )),
        _ => None,
    }
}

/// From the first segment that begins a frame.
fn jpeg(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else {
            return None;
        };
        let short = |at: usize| {
            let two: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
            Some(u64::from(u16::from_be_bytes(two)))
        };
        match marker {
            0xff => at += 1,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((short(at + 7)?, short(at + 5)?));
            }
            0xd9 | 0xda => return None,
            _ => at += 2 + usize::try_from(short(at + 2)?.max(2)).ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_heads() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x02\0\0\0\x03";
        assert_eq!(of("image/png", png), Some((258, 3)));
        assert_eq!(of("image/gif", b"GIF89a\x02\x01\x03\0"), Some((258, 3)));
        let webp = |kind: &[u8; 4], rest: &[u8]| {
            let head = [b"RIFF\0\0\0\0WEBP", &kind[..], &[0; 4], rest].concat();
            of("image/webp", &head)
        };
        let far = [0, 0, 0, 0, 1, 1, 0, 2, 0, 0];
        assert_eq!(webp(b"VP8X", &far), Some((258, 3)));
        let bits = (257_u32 | 2 << 14).to_le_bytes();
        assert_eq!(
            webp(b"VP8L", &[&[0x2f][..], &bits].concat()),
            Some((258, 3))
        );
        let far = [0, 0, 0, 0x9d, 1, 0x2a, 2, 0x41, 3, 0x40];
        assert_eq!(webp(b"VP8 ", &far), Some((258, 3)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x0b\x08\0\x03\x01\x02\x01";
        assert_eq!(of("image/jpeg", jpeg), Some((258, 3)));
    }

    #[test]
    fn what_is_cut_off_has_no_size() {
        let jpeg = b"\xff\xd8\xff\xe0\0\0\xff\xc2\0\x0b\x08\0\x03\x01";
        for end in 0..jpeg.len() {
            assert_eq!(of("image/jpeg", &jpeg[..end]), None);
        }
        for kind in ["image/png", "image/gif", "image/webp", "text/plain"] {
            assert_eq!(of(kind, b"GIF8"), None);
        }
    }
}
