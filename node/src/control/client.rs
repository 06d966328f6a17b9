//! The commands' end of the socket.

use super::SOCKET;
use super::request::{Answer, Line, Request};
use crate::fault::{Class, Fault};
use serde_json::Value;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Asks a running node.
///
/// # Errors
/// No node runs on the folder, or its own refusal.
pub(crate) fn ask(folder: &Path, account: &str, request: Request) -> Result<Value, Fault> {
    let path = folder.join(SOCKET);
    let stream = UnixStream::connect(&path).map_err(|error| {
        let absent = [ErrorKind::NotFound, ErrorKind::ConnectionRefused];
        if !absent.contains(&error.kind()) {
            return Fault::at(&path, "connect to", &error);
        }
        let message = format!(
            "no node runs on {}: start it with `cliqueclique run`",
            folder.display()
        );
        Fault::new(Class::NotRunning, message)
    })?;
    let line = Line {
        account: account.to_owned(),
        request,
    };
    match talk(&stream, &line) {
        Ok(Answer::Ok(value)) => Ok(value),
        Ok(Answer::Fault(fault)) => Err(fault),
        Err(error) => {
            let message = format!("the node went away before it answered: {error}");
            Err(Fault::new(Class::NotRunning, message))
        }
    }
}

fn talk(mut stream: &UnixStream, line: &Line) -> std::io::Result<Answer> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&answer)?)
}
