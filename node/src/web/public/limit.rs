//! How much a reader may ask: so many requests in a window of time, counted by address. The memory
//! for it is bounded: when very many read at once, newcomers share one count.

use super::Site;
use super::answer;
use crate::clock::Clock;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// A window, seconds.
const WINDOW: u64 = 10;
/// Requests of a reader in a window: thirty pages a second are no person. Guess.
const MOST: u32 = 300;
/// Readers counted one by one in a window: about 1 MB.
const READERS: usize = 8_192;

/// The counts of the window that is now.
#[derive(Debug, Default)]
pub(super) struct Limit(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    window: u64,
    of: BTreeMap<Option<IpAddr>, u32>,
}

impl Limit {
    /// Counts a request; false if it is one too many.
    fn admits(&self, reader: IpAddr, now: u64) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = now / WINDOW;
        if counts.window != window {
            counts.window = window;
            counts.of.clear();
        }
        let reader = Some(network(reader));
        let known = counts.of.len() < READERS || counts.of.contains_key(&reader);
        let count = counts
            .of
            .entry(if known { reader } else { None })
            .or_default();
        *count = count.saturating_add(1);
        *count <= MOST
    }
}

/// Who has one IPv6 address has 2^64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let bits = u128::from(six);
            six.to_ipv4_mapped()
                .map_or_else(|| IpAddr::V6((bits >> 64 << 64).into()), IpAddr::V4)
        }
    }
}

/// The last entry is the proxy's own; what stands before, anybody may have written.
fn told(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

/// Lets through what is not too much.
pub(super) async fn layer(
    State(site): State<Arc<Site>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let forwarded = site.behind_proxy.then(|| told(request.headers())).flatten();
    let reader = forwarded.unwrap_or(from.ip());
    if !site.limit.admits(reader, Clock::wall().0) {
        let text = "too many requests came from your address: wait for ten seconds";
        let mut refusal = answer::failure(StatusCode::TOO_MANY_REQUESTS, text);
        refusal.headers_mut().insert("retry-after", WINDOW.into());
        return refusal;
    }
    let asked = request.headers().clone();
    answer::finish(&asked, next.run(request).await).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four(last: u32) -> IpAddr {
        IpAddr::V4(last.into())
    }

    #[test]
    fn each_reader_has_a_count_that_begins_anew() {
        let limit = Limit::default();
        let first = (0..MOST).filter(|_| limit.admits(four(1), 100)).count();
        assert_eq!(u32::try_from(first), Ok(MOST));
        assert!(!limit.admits(four(1), 109));
        assert!(limit.admits(four(2), 109));
        assert!(limit.admits(four(1), 110));
    }

    #[test]
    fn an_ipv6_network_is_one_reader() {
        let limit = Limit::default();
        let six = |last: u128| IpAddr::V6(((0x2001_0db8_u128 << 96) + last).into());
        let admitted = (0..1_000)
            .filter(|last| limit.admits(six(*last), 1))
            .count();
        assert_eq!(u32::try_from(admitted), Ok(MOST));
    }

    #[test]
    fn memory_is_bounded_however_many_readers_there_are() {
        let limit = Limit::default();
        let admitted = (0..100_000)
            .filter(|last| limit.admits(four(*last), 1))
            .count();
        assert!(limit.0.lock().expect("whole").of.len() <= READERS + 1);
        assert_eq!(admitted, READERS + usize::try_from(MOST).expect("small"));
    }

    #[test]
    fn a_proxy_is_believed_about_its_own_caller_only() {
        let mut headers = HeaderMap::new();
        headers.append(
            "x-forwarded-for",
            "1.1.1.1, 2.2.2.2".parse().expect("a value"),
        );
        assert_eq!(told(&headers), Some(IpAddr::from([2, 2, 2, 2])));
        headers.append("x-forwarded-for", "junk".parse().expect("a value"));
        assert_eq!(told(&headers), None);
    }
}
