//! One core among three peers that do what they like, users, and a disk that forgets.

use crate::stage::play::{Extra, KINDS, Op, Play};
use arbitrary::{Arbitrary, Result, Unstructured};
use cliqueclique_core::wire;

/// Most steps of a history: bounds the time of one execution.
const MOST_STEPS: usize = 300;

impl Arbitrary<'_> for Op {
    /// Five bytes a step, so that a history stays readable when bytes of it change.
    fn arbitrary(u: &mut Unstructured<'_>) -> Result<Self> {
        let kind = u.int_in_range(0..=KINDS - 1)?;
        let peer: u8 = u.arbitrary()?;
        let [a, b, c] = u.arbitrary()?;
        Ok(Self {
            kind,
            peer: peer % 3,
            a,
            b,
            c,
            extra: match peer / 3 % 8 {
                6 => message(u)?,
                7 => Extra::Spoilt(u.arbitrary()?, u.arbitrary()?),
                _ => Extra::Plain,
            },
        })
    }
}

/// Up to 255 bytes that may be a message.
fn message(u: &mut Unstructured<'_>) -> Result<Extra> {
    let length: u8 = u.arbitrary()?;
    let bytes = u.bytes(usize::from(length).min(u.len()))?;
    Ok(wire::decode_message(bytes).map_or(Extra::Plain, Extra::Also))
}

/// Plays the history that the bytes tell.
///
/// # Panics
/// If the core breaks one of its rules.
pub fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let mut steps = Vec::new();
    while steps.len() < MOST_STEPS
        && !u.is_empty()
        && let Ok(step) = Op::arbitrary(&mut u)
    {
        steps.push(step);
    }
    Play::run(&steps);
}
