//! The lines of SAM, and finding a router that speaks them. What a router says is not
//! trusted: lines are bounded, answers have deadlines, junk is an error.

use super::super::Stream;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest line, bytes; a session's answer has about 950.
const LONGEST: usize = 8 * 1024;
/// For a router on this machine to answer the greeting.
const GREETING: Duration = Duration::from_secs(10);

/// Where routers may be found.
#[derive(Debug)]
pub(crate) struct Routers {
    /// SAM of a router that somebody runs: host and port.
    pub(crate) sam: (String, u16),
    /// One of our own, if none answers there.
    #[cfg(feature = "embedded-router")]
    pub(crate) own: Option<super::embedded::Embedded>,
}

/// An answer did not come in time.
pub(super) fn late(doing: &str) -> io::Error {
    let text = format!("the I2P router did not {doing} in time");
    io::Error::new(io::ErrorKind::TimedOut, text)
}

fn junk(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

impl Routers {
    /// Connects to the router that is there, and tells where that is.
    ///
    /// # Errors
    /// What is missing, and how to mend it.
    pub(super) async fn find(&self) -> io::Result<(Socket, (String, u16))> {
        match self.again(&self.sam).await {
            Ok(socket) => Ok((socket, self.sam.clone())),
            #[cfg(feature = "embedded-router")]
            Err(_) if let Some(own) = &self.own => {
                let at = own.sam().await?;
                Ok((self.again(&at).await?, at))
            }
            Err(error) => {
                let (host, port) = &self.sam;
                let text = format!(
                    "no I2P router answers at {host}:{port} ({error}). Install one, such as \
                     i2pd (apt install i2pd) or I2P (https://geti2p.net), and switch its SAM \
                     bridge on; or set i2p.sam-host and i2p.sam-port. The node goes on trying"
                );
                Err(io::Error::new(error.kind(), text))
            }
        }
    }

    /// Connects to a router and greets it.
    pub(super) async fn again(&self, at: &(String, u16)) -> io::Result<Socket> {
        let greet = async {
            let stream = TcpStream::connect((at.0.as_str(), at.1)).await?;
            stream.set_nodelay(true)?;
            let mut socket = Socket {
                stream: BufReader::new(stream),
                begun: Vec::new(),
            };
            let reply = socket.ask("HELLO VERSION MIN=3.1 MAX=3.3\n").await?;
            reply.expect("HELLO", "REPLY")?;
            Ok(socket)
        };
        timeout(GREETING, greet)
            .await
            .unwrap_or_else(|_| Err(late("answer")))
    }
}

/// A connection to a router that still speaks lines.
#[derive(Debug)]
pub(super) struct Socket {
    stream: BufReader<TcpStream>,
    /// A line that has not come whole; so waiting for one may be given up and taken up again.
    begun: Vec<u8>,
}

impl Socket {
    /// The next line, without its end.
    pub(super) async fn line(&mut self) -> io::Result<String> {
        let room = u64::try_from(LONGEST - self.begun.len()).unwrap_or(0);
        let mut stream = (&mut self.stream).take(room);
        stream.read_until(b'\n', &mut self.begun).await?;
        let line = std::mem::take(&mut self.begun);
        let Some(line) = line.strip_suffix(b"\n") else {
            let long = line.len() == LONGEST;
            return Err(if long {
                junk("the I2P router sent an endless line")
            } else {
                io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the I2P router closed the connection",
                )
            });
        };
        let text = std::str::from_utf8(line).map_err(|_| junk("the I2P router sent no text"))?;
        Ok(text.trim_end_matches('\r').to_owned())
    }

    /// Says a line.
    pub(super) async fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(line.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Says a line and reads the answer. The caller sets the deadline.
    pub(super) async fn ask(&mut self, line: &str) -> io::Result<Reply> {
        self.say(line).await?;
        Ok(Reply::parse(&self.line().await?))
    }

    /// What follows is a peer's. Bytes that came with the last line are kept.
    pub(super) fn into_stream(self) -> Stream {
        Box::new(self.stream)
    }
}

/// An answer: two words, then `KEY=VALUE`, where values may be quoted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) words: Vec<String>,
    values: BTreeMap<String, String>,
}

impl Reply {
    /// Anything is an answer; what is not understood is left out.
    pub(super) fn parse(line: &str) -> Self {
        let (mut words, mut values) = (Vec::new(), BTreeMap::new());
        let mut rest = line.trim();
        while !rest.is_empty() {
            let end = rest.find([' ', '=']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if let Some(value) = after.strip_prefix('=') {
                let (value, after) = match value.strip_prefix('"') {
                    Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                    None => value.split_once(' ').unwrap_or((value, "")),
                };
                values.insert(word.to_owned(), value.to_owned());
                rest = after.trim_start();
            } else {
                words.push(word.to_owned());
                rest = after.trim_start();
            }
        }
        Self { words, values }
    }

    /// True if it is of this kind and says OK.
    ///
    /// # Errors
    /// What the router said instead: `NotConnected` if it does not know the session,
    /// `InvalidInput` if trying again cannot help.
    pub(super) fn expect(&self, first: &str, second: &str) -> io::Result<()> {
        if self.words != [first, second] {
            let said: String = self.words.join(" ").chars().take(40).collect();
            let text = format!("it does not speak SAM: said '{said}', expected '{first} {second}'");
            return Err(junk(&text));
        }
        let result = self.values.get("RESULT").map_or("", String::as_str);
        let kind = match result {
            "OK" => return Ok(()),
            "INVALID_ID" => io::ErrorKind::NotConnected,
            "INVALID_KEY" => io::ErrorKind::InvalidInput,
            "CANT_REACH_PEER" | "PEER_NOT_FOUND" => io::ErrorKind::HostUnreachable,
            _ => io::ErrorKind::Other,
        };
        let message = self.values.get("MESSAGE").map_or("", String::as_str);
        let said = format!("{result} {message}");
        let said: String = said.trim().chars().take(200).collect();
        Err(io::Error::new(
            kind,
            format!("the I2P router refuses: {said}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_and_junk_is_not() {
        let reply = Reply::parse("STREAM STATUS RESULT=I2P_ERROR MESSAGE=\"no such thing\" X=1");
        let error = reply.expect("STREAM", "STATUS").expect_err("refused");
        assert!(error.to_string().contains("I2P_ERROR no such thing"));
        assert_eq!(reply.values["X"], "1");
        let ok = Reply::parse(" HELLO REPLY RESULT=OK VERSION=3.1");
        assert!(ok.expect("HELLO", "REPLY").is_ok());
        assert!(ok.expect("STREAM", "STATUS").is_err());
        for text in ["", "=", "==", "A=\"", "A=\"b\"c", " = = ", "é=ü \"", "A= B"] {
            assert!(
                Reply::parse(text).expect("HELLO", "REPLY").is_err(),
                "{text}"
            );
        }
    }
}
