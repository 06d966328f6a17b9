//! Delta debugging: the smallest part of a list that still fails, by taking away ever smaller
//! pieces (Zeller and Hildebrandt 2002, in the greedy form: pieces are tried from the end, since
//! what happens last is needed least).

/// Takes away what `fails` does not need. Calls it about `2 n` times if little can go, and far
/// less often if much can.
pub(super) fn ddmin<T: Clone>(items: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = items.to_vec();
    if kept.is_empty() || fails(&[]) {
        return Vec::new();
    }
    let mut size = kept.len().div_ceil(2);
    loop {
        let before = kept.len();
        let mut end = kept.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let without = [&kept[..start], &kept[end..]].concat();
            if without.len() < kept.len() && !without.is_empty() && fails(&without) {
                kept = without;
            }
            end = start;
        }
        match size {
            1 if kept.len() == before => return kept,
            1 => {}
            _ => size = size.div_ceil(2).min(kept.len().max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_is_needed() {
        let all: Vec<u32> = (0..100).collect();
        let mut calls = 0;
        let kept = ddmin(&all, |part| {
            calls += 1;
            [3, 50, 97].iter().all(|needed| part.contains(needed))
        });
        assert_eq!(kept, [3, 50, 97]);
        assert!(calls < 120, "{calls}");
        assert_eq!(ddmin(&all, |_| true), Vec::<u32>::new());
        assert_eq!(ddmin(&all, |part| part.len() == 100).len(), 100);
        assert_eq!(ddmin(&[7], |part| !part.is_empty()), [7]);
    }
}
