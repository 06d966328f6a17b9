//! The whole state of a node in one number, for model checking.
//!
//! Two nodes with the same settings, seed and digest do the same from now on, if their
//! clocks differ by as much as their times do: times count relative to the present one.
//! Left out is what decides nothing: settings and keys, which do not change, totals, what
//! checkers may ask about the last call, and the tokens of the rate limit (which decide
//! something only when a peer sends close to `rate_burst` messages).

use super::Core;
use crate::time::Time;
use std::hash::{Hash, Hasher};

/// Hashes times relative to `now`: only [`Time`] feeds a signed number.
struct Relative<H> {
    now: Time,
    inner: H,
}

impl<H: Hasher> Hasher for Relative<H> {
    fn finish(&self) -> u64 {
        self.inner.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.inner.write(bytes);
    }

    fn write_u8(&mut self, n: u8) {
        self.inner.write_u8(n);
    }

    fn write_u32(&mut self, n: u32) {
        self.inner.write_u32(n);
    }

    fn write_u64(&mut self, n: u64) {
        self.inner.write_u64(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.inner.write_usize(n);
    }

    fn write_i64(&mut self, n: i64) {
        self.inner
            .write_i64(n.wrapping_sub(self.now.0.cast_signed()));
    }
}

impl Core {
    /// The whole state in one number, as `hasher` makes it.
    pub fn digest(&self, hasher: impl Hasher) -> u64 {
        let mut state = Relative {
            now: self.now,
            inner: hasher,
        };
        self.feed(&mut state);
        state.finish()
    }

    /// Every field is named here, so that a new one cannot be forgotten.
    fn feed(&self, state: &mut impl Hasher) {
        let Self {
            config: _,
            suite: _,
            secret: _,
            key: _,
            id: _,
            address,
            seed: _,
            rng,
            now: _,
            clock,
            sequence,
            saved_sequence,
            overlays,
            links,
            linked,
            absent,
            asked,
            next_link,
            channels,
            repeats,
            next_channel,
            peers,
            delivery,
            cold,
            blocked_authors,
            used_tickets,
            deadlines,
            stopping,
            touched,
            last_touched: _,
            active_links,
            unsaved,
            notes,
            effects: _,
            counters: _,
        } = self;
        (address, rng.get_word_pos(), clock, sequence, saved_sequence).hash(state);
        (overlays, links, linked, absent, asked, next_link).hash(state);
        (channels, repeats, next_channel, peers, delivery, cold).hash(state);
        (blocked_authors, used_tickets, deadlines, stopping).hash(state);
        (touched, active_links, unsaved, notes).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519Blake3;
    use crate::id::{Address, RequestId, SecretKey};
    use crate::input::{Command, Input};
    use crate::time::WallTime;
    use crate::{Config, Identity, Mode};
    use bytes::Bytes;
    use std::hash::DefaultHasher;
    use std::sync::Arc;

    fn node() -> Core {
        let identity = Identity {
            secret: SecretKey([1; 32]),
            address: Address(Bytes::from_static(b"a")),
        };
        let suite = Arc::new(Ed25519Blake3);
        Core::new(Config::default(), identity, [1; 32], suite, WallTime(9)).expect("settings fit")
    }

    fn digest(core: &Core) -> u64 {
        core.digest(DefaultHasher::new())
    }

    fn publishes_at(core: &mut Core, at: Time) {
        let command = Command::Publish {
            parents: Vec::new(),
            children: Vec::new(),
            body: Bytes::new(),
            mode: Mode::Follow,
            created: None,
        };
        core.handle(at, Input::Clock(WallTime(9)), &mut Vec::new());
        core.handle(at, Input::Command(RequestId(1), command), &mut Vec::new());
    }

    #[test]
    fn a_digest_tells_states_apart_but_not_times() {
        let (mut early, mut late) = (node(), node());
        let fresh = digest(&early);
        publishes_at(&mut early, Time::ZERO);
        assert_ne!(digest(&early), fresh, "a command is under way");
        publishes_at(&mut late, Time(5_000_000));
        assert_eq!(digest(&late), digest(&early), "only later");
        early.handle(Time(1), Input::Wake, &mut Vec::new());
        assert_ne!(digest(&early), digest(&late), "the clock went on since");
    }

    #[test]
    fn a_copy_goes_on_like_its_original() {
        let mut first = node();
        publishes_at(&mut first, Time::ZERO);
        let mut second = first.clone();
        assert_eq!(digest(&first), digest(&second));
        for core in [&mut first, &mut second] {
            core.handle(Time(7), Input::Evict(crate::Tag([0; 8])), &mut Vec::new());
        }
        assert_eq!(digest(&first), digest(&second));
    }
}
