//! Pictures that tell secrets, and what is left of them.

use super::*;

const SECRET: &[u8] = b"GPS 52.5 13.4 by Ann";

fn has_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|part| part == SECRET)
}

fn clean(bytes: Vec<u8>) -> Vec<u8> {
    assert!(has_secret(&bytes));
    let clean = stripped(kind(&bytes), bytes).expect("whole");
    assert!(!has_secret(&clean), "{clean:?}");
    // Cleaning is idempotent, so what is left is whole.
    assert_eq!(stripped(kind(&clean), clean.clone()), Ok(clean.clone()));
    clean
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2)
        .expect("short")
        .to_be_bytes();
    [&[0xff, marker][..], &length, content].concat()
}

fn jpeg_with(extra: &[u8], between: &[u8], behind: &[u8]) -> Vec<u8> {
    let scan = [
        &segment(0xda, b"\x01\x01\x00\x00\x3f\x00")[..],
        &[1, 2, 0xff, 0, 3, 0xff, 0xd0, 4],
    ]
    .concat();
    [
        &[0xff, 0xd8][..],
        &segment(0xe0, b"JFIF\0\x01\x01"),
        extra,
        &segment(0xdb, &[9; 65]),
        &scan,
        between,
        &scan,
        &[0xff, 0xd9],
        behind,
    ]
    .concat()
}

#[test]
fn jpegs_lose_all_that_applications_wrote() {
    let plain = jpeg_with(&[], &[], &[]);
    for marker in [0xe1, 0xe2, 0xed, 0xef, 0xfe] {
        let extra = segment(marker, SECRET);
        assert_eq!(clean(jpeg_with(&extra, &[], &[])), plain);
        assert_eq!(clean(jpeg_with(&[], &extra, &[])), plain, "between scans");
    }
    assert_eq!(clean(jpeg_with(&[], &[], SECRET)), plain, "behind the end");
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let png = img_parts::png::PngChunk::new(*kind, Bytes::copy_from_slice(content));
    png.encoder().bytes().to_vec()
}

fn png_with(extra: &[u8], behind: &[u8]) -> Vec<u8> {
    let head = b"\x89PNG\r\n\x1a\n";
    [
        head,
        &chunk(b"IHDR", &[0; 13])[..],
        extra,
        &chunk(b"IDAT", &[5; 9]),
        &chunk(b"IEND", b""),
        behind,
    ]
    .concat()
}

#[test]
fn pngs_lose_their_texts_times_and_profiles() {
    for kind in [
        b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME", b"prVt",
    ] {
        let clean = clean(png_with(&chunk(kind, SECRET), &[]));
        assert_eq!(clean, png_with(&[], &[]));
    }
    assert_eq!(
        clean(png_with(&[], SECRET)),
        png_with(&[], &[]),
        "behind the end"
    );
}

#[test]
fn gifs_lose_their_comments_and_keep_their_loops() {
    let sub = |content: &[u8]| {
        [
            &[u8::try_from(content.len()).expect("short")][..],
            content,
            &[0],
        ]
        .concat()
    };
    let loops = [&[0x21, 0xff][..], b"\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"].concat();
    let picture = [&[0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2][..], &sub(&[0x4c, 1])].concat();
    let gif = |extra: &[u8], behind: &[u8]| {
        [
            b"GIF89a\x01\0\x01\0\x80\0\0",
            &[7; 6][..],
            &loops,
            extra,
            &picture,
            &[0x3b],
            behind,
        ]
        .concat()
    };
    let comment = [&[0x21, 0xfe][..], &sub(SECRET)].concat();
    let foreign = [&[0x21, 0xff, 11][..], b"XMP DataXMP", &sub(SECRET)].concat();
    for extra in [comment, foreign] {
        assert_eq!(clean(gif(&extra, &[])), gif(&[], &[]));
    }
    assert_eq!(clean(gif(&[], SECRET)), gif(&[], &[]));
}

#[test]
fn webps_lose_their_metadata_and_no_longer_announce_it() {
    let riff = |id: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(content.len()).expect("short").to_le_bytes();
        let pad = vec![0; content.len() % 2];
        [&id[..], &length, content, &pad].concat()
    };
    let webp = |flags: u8, extra: &[u8]| {
        let head = [flags, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let inner = [
            b"WEBP",
            &riff(b"VP8X", &head)[..],
            &riff(b"VP8L", &[0x2f, 0, 0, 0, 0, 0]),
            extra,
        ]
        .concat();
        riff(b"RIFF", &inner)
    };
    for kind in [b"EXIF", b"XMP ", b"ICCP", b"prvt"] {
        let clean = clean(webp(0x10 | ANNOUNCED, &riff(kind, SECRET)));
        assert_eq!(clean, webp(0x10, &[]));
    }
}

#[test]
fn damaged_images_are_refused_and_other_files_left_alone() {
    let whole = [jpeg_with(&[], &[], &[]), png_with(&[], &[])];
    for image in whole {
        for end in 8..image.len() {
            let cut = image[..end].to_vec();
            let left = stripped(kind(&cut), cut.clone());
            assert!(
                left.as_ref().map_or_else(
                    |error| error.contains("damaged"),
                    |left| left.len() <= end + 16
                ),
                "{end}"
            );
        }
    }
    assert_eq!(stripped("text/plain", SECRET.to_vec()), Ok(SECRET.to_vec()));
    for junk in [
        &b"GIF89a"[..],
        &[0xff, 0xd8, 0xff],
        b"RIFF\xff\xff\xff\xffWEBP",
    ] {
        assert!(stripped(kind(junk), junk.to_vec()).is_err(), "{junk:?}");
    }
}

#[test]
fn what_unpacks_to_much_more_is_never_unpacked_and_goes_if_it_is_no_picture() {
    // A profile that says it unpacks to gigabytes goes like any other; of the picture's own data,
    // bomb or not, nothing is unpacked, so they take as long as their bytes.
    let bomb = [SECRET, &[0x78, 0xda], &[0; 60_000][..]].concat();
    assert_eq!(
        clean(png_with(&chunk(b"iCCP", &bomb), &[])),
        png_with(&[], &[])
    );
    let data = chunk(b"IDAT", &[0; 90_000]);
    let picture = png_with(&data, &[]);
    assert_eq!(stripped("image/png", picture.clone()), Ok(picture));
}

#[test]
fn a_file_that_is_two_things_is_only_a_picture_afterwards() {
    let archive = [b"PK\x03\x04", SECRET, b"PK\x05\x06"].concat();
    assert_eq!(clean(png_with(&[], &archive)), png_with(&[], &[]));
    let page = [&b"<html><script>"[..], SECRET, b"</script>"].concat();
    let comment = segment(0xfe, &page);
    assert_eq!(
        clean(jpeg_with(&comment, &[], &page)),
        jpeg_with(&[], &[], &[])
    );
}
