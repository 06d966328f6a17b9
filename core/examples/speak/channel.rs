//! Channels over plain TCP (PROTOCOL.md, *Trial channel*): a greeting that gives the
//! channel binding, then packets with their length in front. No secrecy: for trials on
//! one machine only.

use bytes::Bytes;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use cliqueclique_core::{Address, ChannelId, Input, wire};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Largest packet, bytes.
pub(crate) const FRAME_LIMIT: usize = 16_384;
/// First bytes of both sides.
const MAGIC: &[u8; 8] = b"cliqueq1";
/// Packets that may wait to be written; more are lost, as on any channel.
const BACKLOG: usize = 1_024;
/// For connecting and greeting.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the threads tell the node.
pub(crate) enum Event {
    /// A channel stands; packets for it go here.
    Opened(ChannelId, SyncSender<Vec<u8>>, [u8; 32]),
    /// Something for the core.
    Input(Input),
    /// A line that the user typed.
    Line(String),
}

/// Connects to an address of this machine and runs the channel; `nonce` must be new.
pub(crate) fn dial(channel: ChannelId, address: Address, nonce: [u8; 32], events: Sender<Event>) {
    thread::spawn(move || {
        let stream = parse(&address)
            .and_then(|address| TcpStream::connect_timeout(&address, PATIENCE))
            .and_then(|stream| open(stream, channel, nonce, true, &events));
        end(stream, channel, &events);
    });
}

/// Runs a channel that somebody else opened.
pub(crate) fn accept(
    stream: TcpStream,
    channel: ChannelId,
    nonce: [u8; 32],
    events: Sender<Event>,
) {
    thread::spawn(move || {
        let stream = open(stream, channel, nonce, false, &events);
        end(stream, channel, &events);
    });
}

/// Reads to the end of the stream, then says that the channel is gone.
fn end(stream: io::Result<TcpStream>, channel: ChannelId, events: &Sender<Event>) {
    if let Ok(mut stream) = stream {
        while let Ok(input) = read(&mut stream, channel) {
            if events.send(Event::Input(input)).is_err() {
                return;
            }
        }
    }
    // Nobody listens any more only when the node has stopped.
    let _ = events.send(Event::Input(Input::Disconnected(channel)));
}

fn parse(address: &Address) -> io::Result<SocketAddr> {
    let text = std::str::from_utf8(&address.0).unwrap_or_default();
    let parsed: Option<SocketAddr> = text.parse().ok();
    parsed
        .filter(|address| address.ip().is_loopback())
        .ok_or_else(|| io::Error::other("not an address of this machine"))
}

/// Greets, and tells the node that the channel stands.
fn open(
    mut stream: TcpStream,
    channel: ChannelId,
    nonce: [u8; 32],
    dialled: bool,
    events: &Sender<Event>,
) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(MAGIC)?;
    stream.write_all(&nonce)?;
    let mut magic = [0; 8];
    stream.read_exact(&mut magic)?;
    let mut theirs = [0; 32];
    stream.read_exact(&mut theirs)?;
    if &magic != MAGIC {
        return Err(io::Error::other("the other side speaks something else"));
    }
    stream.set_read_timeout(None)?;
    let both: [&[u8]; 2] = if dialled {
        [&nonce, &theirs]
    } else {
        [&theirs, &nonce]
    };
    let binding = Ed25519Blake3.hash("trial", &both);
    let (packets, waiting) = sync_channel(BACKLOG);
    let writing = stream.try_clone()?;
    thread::spawn(move || write(writing, &waiting));
    events
        .send(Event::Opened(channel, packets, binding))
        .map_err(io::Error::other)?;
    Ok(stream)
}

/// Writes packets until the node hangs up.
fn write(mut stream: TcpStream, packets: &Receiver<Vec<u8>>) {
    while let Ok(packet) = packets.recv() {
        let Ok(length) = u32::try_from(packet.len()) else {
            continue;
        };
        let written = stream
            .write_all(&length.to_le_bytes())
            .and_then(|()| stream.write_all(&packet));
        if written.is_err() {
            break;
        }
    }
    // It may be closed already.
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

/// The next packet. Bytes that are none are an input too; a wrong length ends the channel.
fn read(stream: &mut TcpStream, channel: ChannelId) -> io::Result<Input> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if !(1..=FRAME_LIMIT).contains(&length) {
        return Err(io::Error::other("no packet has this length"));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(match wire::decode(&Bytes::from(bytes)) {
        Ok(packet) => Input::Received(channel, packet),
        Err(error) => Input::Malformed(channel, error),
    })
}
