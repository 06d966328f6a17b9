//! The set of comments of one document, with a digest that is kept as it grows.

use crate::id::Tag;
use crate::message::SetDigest;

/// Sorted tags and their digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Comments {
    tags: Vec<Tag>,
    sum: u64,
}

impl Comments {
    /// Adds a tag; false if it was there.
    pub(crate) fn insert(&mut self, tag: Tag) -> bool {
        match self.tags.binary_search(&tag) {
            Ok(_) => false,
            Err(at) => {
                self.tags.insert(at, tag);
                self.sum = self.sum.wrapping_add(mix(tag));
                true
            }
        }
    }

    /// Keeps some of the tags.
    pub(crate) fn retain(&mut self, keep: impl Fn(Tag) -> bool) {
        self.tags.retain(|tag| keep(*tag));
        self.sum = digest_of(&self.tags).sum;
    }

    pub(crate) fn contains(&self, tag: Tag) -> bool {
        self.tags.binary_search(&tag).is_ok()
    }

    pub(crate) fn tags(&self) -> &[Tag] {
        &self.tags
    }

    #[allow(clippy::cast_possible_truncation, reason = "bounded by max_comments")]
    pub(crate) fn digest(&self) -> SetDigest {
        SetDigest {
            count: self.tags.len() as u32,
            sum: self.sum,
        }
    }
}

/// Digest of some tags.
#[allow(clippy::cast_possible_truncation, reason = "bounded by max_comments")]
pub(crate) fn digest_of(tags: &[Tag]) -> SetDigest {
    SetDigest {
        count: tags.len() as u32,
        sum: tags.iter().fold(0, |sum, tag| sum.wrapping_add(mix(*tag))),
    }
}

/// Spreads a tag over 64 bits (the finaliser of `splitmix64`, Steele et al. 2014),
/// so that sums of tags do not cancel out by accident.
pub(crate) fn mix(tag: Tag) -> u64 {
    let mut x = u64::from_le_bytes(tag.0).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(n: u8) -> Tag {
        Tag([n; 8])
    }

    #[test]
    fn the_digest_depends_on_the_set_and_not_on_its_history() {
        let (mut a, mut b) = (Comments::default(), Comments::default());
        [3, 1, 2]
            .into_iter()
            .for_each(|n| assert!(a.insert(tag(n))));
        [1, 2, 3]
            .into_iter()
            .for_each(|n| assert!(b.insert(tag(n))));
        assert!(!b.insert(tag(1)));
        assert_eq!(a.digest(), b.digest());
        assert_eq!(a.digest(), digest_of(a.tags()));
        a.retain(|kept| kept != tag(2));
        assert_eq!(a.digest(), digest_of(&[tag(1), tag(3)]));
    }
}
