//! TCP, for local networks, development and tests. Loopback only unless the settings say
//! otherwise, in both directions: addresses come from peers, and must not make this node
//! knock elsewhere.

use super::{Call, Deadlines, Listener, Pending, Transport};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// For a far host that answers late.
const CONNECT: Duration = Duration::from_secs(45);
const HANDSHAKE: Duration = Duration::from_secs(20);

/// How far this node goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reach {
    /// This machine.
    #[default]
    Loopback,
    /// Local networks too.
    Private,
    /// Everywhere. Others see who talks to whom.
    Anywhere,
}

impl Reach {
    fn includes(self, ip: IpAddr) -> bool {
        let private = match ip {
            IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        };
        match self {
            Self::Loopback => ip.is_loopback(),
            Self::Private => ip.is_loopback() || private,
            Self::Anywhere => true,
        }
    }
}

/// The transport.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tcp {
    /// Where it may listen and dial.
    pub(crate) reach: Reach,
}

impl Tcp {
    /// Numbers only: names would be asked of somebody else.
    fn resolve(self, place: &str) -> io::Result<SocketAddr> {
        let address: SocketAddr = place
            .parse()
            .map_err(|_| io::Error::other(format!("'{place}' is not IP:PORT")))?;
        if !self.reach.includes(address.ip()) {
            let text = format!("{address} is beyond tcp.reach in the settings");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        Ok(address)
    }
}

impl Transport for Tcp {
    fn scheme(&self) -> &'static str {
        "tcp"
    }

    fn deadlines(&self) -> Deadlines {
        Deadlines {
            connect: CONNECT,
            handshake: HANDSHAKE,
            tries: 1,
        }
    }

    fn connect<'a>(&'a self, place: &'a str) -> Pending<'a, Call> {
        Box::pin(async move { call(TcpStream::connect(self.resolve(place)?).await?) })
    }

    fn listen<'a>(&'a self, place: &'a str) -> Pending<'a, Box<dyn Listener>> {
        Box::pin(async move {
            let listener = TcpListener::bind(self.resolve(place)?).await?;
            let address = listener.local_addr()?;
            Ok(Box::new(Ear { listener, address }) as Box<dyn Listener>)
        })
    }
}

fn call(stream: TcpStream) -> io::Result<Call> {
    stream.set_nodelay(true)?;
    Ok(Call {
        stream: Box::new(stream),
        ends: Vec::new(),
    })
}

struct Ear {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener for Ear {
    fn place(&self) -> String {
        self.address.to_string()
    }

    fn accept(&mut self) -> Pending<'_, Call> {
        Box::pin(async move { call(self.listener.accept().await?.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_beyond_the_reach_are_refused() {
        let tcp = |reach| Tcp { reach };
        assert!(tcp(Reach::Loopback).resolve("127.0.0.1:1").is_ok());
        assert!(tcp(Reach::Loopback).resolve("192.168.1.1:1").is_err());
        assert!(tcp(Reach::Private).resolve("192.168.1.1:1").is_ok());
        assert!(tcp(Reach::Private).resolve("198.51.100.1:1").is_err());
        assert!(tcp(Reach::Anywhere).resolve("198.51.100.1:1").is_ok());
        assert!(tcp(Reach::Anywhere).resolve("localhost:1").is_err());
    }
}
