//! A proxy between callers and a node, which does to bytes what networks do: makes them late,
//! holds some of them up, holds all of them back in one direction, or hangs up.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes moved at once.
const CHUNK: usize = 4_096;
/// Between looks at the weather while it holds something up.
const LOOK: Duration = Duration::from_millis(20);

/// What happens to bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// They come so much later.
    pub(crate) latency: Duration,
    /// One chunk in so many is held up, and all behind it; 0 for none. So a lost packet looks
    /// to who uses TCP.
    pub(crate) stalled: u64,
    /// For so long.
    pub(crate) stall: Duration,
    /// None go from callers to who was called, until the weather changes.
    pub(crate) held_there: bool,
    /// None go back.
    pub(crate) held_back: bool,
    /// Connections end, and no new ones are made.
    pub(crate) cut: bool,
}

/// The weather of a network; proxies share it.
#[derive(Clone, Default)]
pub(crate) struct Sky(Arc<RwLock<Weather>>);

impl Sky {
    /// Sets another weather.
    pub(crate) fn set(&self, weather: Weather) {
        *self.0.write().expect("no panic") = weather;
    }

    fn now(&self) -> Weather {
        *self.0.read().expect("no panic")
    }
}

/// Begins to pass connections on to `place`; gives the proxy's own.
pub(crate) fn begin(sky: &Sky, place: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let own = listener.local_addr().expect("bound").to_string();
    let sky = sky.clone();
    thread::spawn(move || {
        for caller in listener.incoming().flatten() {
            if sky.now().cut {
                continue;
            }
            if let Ok(called) = TcpStream::connect(&place) {
                join(&sky, &caller, &called);
            }
        }
    });
    own
}

fn join(sky: &Sky, caller: &TcpStream, called: &TcpStream) {
    for (from, to, there) in [(caller, called, true), (called, caller, false)] {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
            return;
        };
        let _ = to.set_nodelay(true);
        let (queue, waiting) = channel();
        let (reading, writing) = (sky.clone(), sky.clone());
        thread::spawn(move || read(&reading, from, &queue));
        thread::spawn(move || write(&writing, to, &waiting, there));
    }
}

type Late = (Instant, Vec<u8>);

/// Takes bytes until either side ends, or the weather cuts.
fn read(sky: &Sky, mut from: TcpStream, queue: &Sender<Late>) {
    let mut chunk = [0; CHUNK];
    let _ = from.set_read_timeout(Some(LOOK * 5));
    let mut number: u64 = 0;
    let mut held = Instant::now();
    loop {
        let weather = sky.now();
        if weather.cut {
            break;
        }
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => {
                number += 1;
                if weather.stalled > 0 && number.is_multiple_of(weather.stalled) {
                    held = Instant::now() + weather.stall;
                }
                let at = (Instant::now() + weather.latency).max(held);
                if queue.send((at, chunk[..length].to_vec())).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
}

fn write(sky: &Sky, mut to: TcpStream, waiting: &Receiver<Late>, there: bool) {
    for (at, bytes) in waiting {
        loop {
            let weather = sky.now();
            let held = if there {
                weather.held_there
            } else {
                weather.held_back
            };
            let left = at.saturating_duration_since(Instant::now());
            if weather.cut || !held && left.is_zero() {
                break;
            }
            thread::sleep(if held { LOOK } else { left.min(LOOK) });
        }
        if sky.now().cut || to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
