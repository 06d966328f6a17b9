//! Packets in a secured stream: length (2 bytes, little-endian) of what follows, then the
//! encrypted packet. The number of a record is its nonce, so that a record left out,
//! doubled or moved ends the stream.

use super::Stream;
use super::noise::{OVERHEAD, Secured};
use super::pace::Paces;
use cliqueclique_core::{ChannelId, Input, wire};
use snow::StatelessTransportState;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter, ReadHalf, WriteHalf, split};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Largest packet, bytes: what I2P carries without cutting is less; on TCP larger ones
/// make other packets of the link wait.
pub(crate) const FRAME_LIMIT: usize = 16_384;
/// Packets that may wait to be written; more are lost, as on any channel. The core has at
/// most `send_window` bytes under way, in packets of one comment each that is less than this.
const BACKLOG: usize = 4_096;
/// A peer that takes or gives no more of a packet for so long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// For the last packets of a channel that is closed on purpose.
const PARTING: Duration = Duration::from_secs(5);
/// Bytes read or written at once.
const BUFFER: usize = 64 * 1024;

/// What the network tells a runner.
#[derive(Debug)]
pub(crate) enum Event {
    /// A channel stands.
    Opened(ChannelId, Wire, [u8; 32]),
    /// Something for the core.
    Input(Input),
}

/// The runner's end of a channel. Dropped, it sends what waits and closes the channel.
#[derive(Debug)]
pub(crate) struct Wire {
    packets: mpsc::Sender<Vec<u8>>,
    /// Its other end sees when this one is dropped.
    _open: oneshot::Sender<()>,
}

impl Wire {
    /// Queues a packet; it is lost if too many wait.
    pub(crate) fn send(&self, packet: Vec<u8>) {
        let _ = self.packets.try_send(packet);
    }
}

/// Runs a channel until it ends, and tells the runner what happens.
pub(crate) async fn run(
    secured: Secured,
    channel: ChannelId,
    events: mpsc::Sender<Event>,
    paces: Arc<Paces>,
) {
    let Secured {
        stream,
        keys,
        binding,
    } = secured;
    let (read, write) = split(stream);
    let keys = Arc::new(keys);
    let (packets, waiting) = mpsc::channel(BACKLOG);
    let (open, closed) = oneshot::channel();
    let writer = tokio::spawn(write_all(write, keys.clone(), waiting, paces.clone()));
    let wire = Wire {
        packets,
        _open: open,
    };
    if events
        .send(Event::Opened(channel, wire, binding))
        .await
        .is_ok()
    {
        let reader = Reader {
            stream: BufReader::with_capacity(BUFFER, read),
            keys,
            paces,
            number: 0,
            sealed: Vec::new(),
            plain: vec![0; FRAME_LIMIT],
        };
        attend(reader, channel, events, closed, writer).await;
    }
}

/// Reads until the stream breaks or the runner has enough.
async fn attend(
    mut reader: Reader,
    channel: ChannelId,
    events: mpsc::Sender<Event>,
    mut closed: oneshot::Receiver<()>,
    mut writer: JoinHandle<io::Result<()>>,
) {
    loop {
        let input = tokio::select! {
            biased;
            _ = &mut closed => {
                if timeout(PARTING, &mut writer).await.is_err() {
                    writer.abort();
                }
                return;
            }
            _ = &mut writer => None,
            input = reader.next(channel) => input.ok(),
        };
        let ended = input.is_none();
        let input = input.unwrap_or(Input::Disconnected(channel));
        if events.send(Event::Input(input)).await.is_err() || ended {
            writer.abort();
            return;
        }
    }
}

struct Reader {
    stream: BufReader<ReadHalf<Stream>>,
    keys: Arc<StatelessTransportState>,
    paces: Arc<Paces>,
    number: u64,
    sealed: Vec<u8>,
    plain: Vec<u8>,
}

impl Reader {
    /// The next packet. Bytes that are none are an input too.
    async fn next(&mut self, channel: ChannelId) -> io::Result<Input> {
        // Between packets a link may be silent for hours.
        let length = usize::from(self.stream.read_u16_le().await?);
        if !(OVERHEAD + 1..=FRAME_LIMIT + OVERHEAD).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.paces.down.pass(2 + length).await;
        self.sealed.resize(length, 0);
        timeout(PATIENCE, self.stream.read_exact(&mut self.sealed)).await??;
        let length = self
            .keys
            .read_message(self.number, &self.sealed, &mut self.plain)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.number += 1;
        Ok(match wire::decode(&self.plain[..length]) {
            Ok(packet) => Input::Received(channel, packet),
            Err(error) => Input::Malformed(channel, error),
        })
    }
}

/// Writes packets until the runner drops its end.
async fn write_all(
    stream: WriteHalf<Stream>,
    keys: Arc<StatelessTransportState>,
    mut packets: mpsc::Receiver<Vec<u8>>,
    paces: Arc<Paces>,
) -> io::Result<()> {
    let mut stream = BufWriter::with_capacity(BUFFER, stream);
    let mut sealed = vec![0; 2 + FRAME_LIMIT + OVERHEAD];
    let mut number = 0;
    while let Some(packet) = packets.recv().await {
        if packet.is_empty() || packet.len() > FRAME_LIMIT {
            continue;
        }
        let length = keys
            .write_message(number, &packet, &mut sealed[2..])
            .map_err(io::Error::other)?;
        number += 1;
        let header = u16::try_from(length).map_err(io::Error::other)?;
        sealed[..2].copy_from_slice(&header.to_le_bytes());
        paces.up.pass(2 + length).await;
        timeout(PATIENCE, stream.write_all(&sealed[..2 + length])).await??;
        if packets.is_empty() {
            timeout(PATIENCE, stream.flush()).await??;
        }
    }
    timeout(PATIENCE, stream.shutdown()).await?
}

#[cfg(test)]
mod tests {
    use super::super::Call;
    use super::super::noise::{StaticKey, answer, dial};
    use super::*;
    use cliqueclique_core::{Packet, SecretKey};

    async fn secured() -> (Secured, Secured) {
        let key = StaticKey::of(&SecretKey([1; 32])).expect("a key");
        let (near, far) = tokio::io::duplex(1_024);
        let call = |stream| Call {
            stream,
            ends: Vec::new(),
        };
        let (near, far) = (call(Box::new(near)), call(Box::new(far)));
        let (near, far) = tokio::join!(dial(near, &key.public), answer(far, &key));
        (near.expect("dialled"), far.expect("answered"))
    }

    async fn opened(events: &mut mpsc::Receiver<Event>) -> Wire {
        match events.recv().await {
            Some(Event::Opened(_, wire, _)) => wire,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn packets_cross_and_a_dropped_wire_ends_the_channel() {
        let (near, far) = secured().await;
        let (to_near, mut near_events) = mpsc::channel(4);
        let (to_far, mut far_events) = mpsc::channel(4);
        let paces = Arc::new(Paces::new(0, 0));
        tokio::spawn(run(near, ChannelId(2), to_near, paces.clone()));
        tokio::spawn(run(far, ChannelId(1), to_far, paces));
        let near_wire = opened(&mut near_events).await;
        let _far_wire = opened(&mut far_events).await;
        near_wire.send(wire::encode(&Packet::Goodbye));
        near_wire.send(vec![255; 10]);
        drop(near_wire);
        let mut heard = Vec::new();
        for _ in 0..3 {
            heard.push(far_events.recv().await.expect("an event"));
        }
        assert!(matches!(
            &heard[0],
            Event::Input(Input::Received(_, Packet::Goodbye))
        ));
        assert!(matches!(&heard[1], Event::Input(Input::Malformed(..))));
        assert!(matches!(&heard[2], Event::Input(Input::Disconnected(_))));
        assert!(
            near_events.recv().await.is_none(),
            "who hung up hears no more"
        );
    }

    #[tokio::test]
    async fn altered_bytes_end_the_channel() {
        let (near, far) = secured().await;
        let (to_far, mut far_events) = mpsc::channel(4);
        tokio::spawn(run(far, ChannelId(1), to_far, Arc::new(Paces::new(0, 0))));
        let _far_wire = opened(&mut far_events).await;
        let mut stream = near.stream;
        let mut sealed = vec![0; 1 + OVERHEAD];
        near.keys
            .write_message(0, &[4], &mut sealed)
            .expect("sealed");
        sealed[0] ^= 1;
        stream.write_all(&[17, 0]).await.expect("written");
        stream.write_all(&sealed).await.expect("written");
        let heard = far_events.recv().await;
        assert!(matches!(heard, Some(Event::Input(Input::Disconnected(_)))));
    }
}
