//! Nodes whose accounts are made in the browser, and what a browser would send.

#![allow(dead_code, reason = "not every test needs everything")]

use super::eventually;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A node without an account, which is made in the browser.
pub(crate) struct Empty {
    process: Child,
    pub(crate) url: String,
}

impl Drop for Empty {
    fn drop(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }
}

impl Empty {
    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn start(folder: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_cliqueclique"))
            .args(["--data", folder, "run"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut out = BufReader::new(process.stdout.take().expect("an output"));
        let mut line = String::new();
        while !line.contains("in the browser: ") {
            line.clear();
            assert_ne!(out.read_line(&mut line).expect("a line"), 0, "it ended");
        }
        let url = line.trim().trim_start_matches("in the browser: ");
        Self {
            url: url.to_owned(),
            process,
        }
    }
}

/// A browser with at most one cookie.
pub(crate) struct Browser {
    pub(crate) host: String,
    pub(crate) cookie: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The path that it sends the browser to, without what was said.
    pub(crate) fn path(&self) -> String {
        let path = self.header("location").expect("it goes on");
        path.split('?').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn has(&self, part: &str) {
        assert!(self.body.contains(part), "{part} in {}", self.body);
    }
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

impl Browser {
    pub(crate) fn at(url: &str) -> Self {
        let host = url.trim_start_matches("http://").split('/').next();
        Self {
            host: host.unwrap_or_default().to_owned(),
            cookie: None,
        }
    }

    /// Sends a request with these lines in its head.
    pub(crate) fn send(
        &self,
        first: &str,
        head: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let body = body.as_ref();
        let mut stream = TcpStream::connect(&self.host).expect("it listens");
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).expect("set");
        let mut text = format!("{first} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in head {
            text += &format!("{name}: {value}\r\n");
        }
        if let Some(cookie) = &self.cookie {
            text += &format!("Cookie: {cookie}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(text.as_bytes()).expect("sent");
        // Who refuses may not wait for the rest.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let mut bytes = answer.split_off(end.expect("a head") + 4);
        let head = String::from_utf8_lossy(&answer).into_owned();
        if head.contains("transfer-encoding: chunked") {
            bytes = dechunked(&bytes);
        }
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        Answer {
            status: status.expect("a status"),
            body: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
            head,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[("Host", &self.host)], "")
    }

    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}", self.host);
        let answer = self.form(path, fields, &[("Origin", &origin)]);
        if let Some(cookie) = answer.header("set-cookie") {
            for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        answer
    }

    pub(crate) fn form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        more: &[(&str, &str)],
    ) -> Answer {
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)));
        let body = fields.collect::<Vec<_>>().join("&");
        let mut head = vec![
            ("Host", self.host.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        head.extend(more);
        self.send(&format!("POST {path}"), &head, &body)
    }

    /// Sends a form with a file, as browsers do.
    pub(crate) fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: (&str, &[u8]),
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend(part.bytes());
        }
        let part = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\r\n",
            file.0
        );
        body.extend(part.bytes());
        body.extend(file.1);
        body.extend(b"\r\n--edge--\r\n");
        let origin = format!("http://{}", self.host);
        let head = [
            ("Host", self.host.as_str()),
            ("Origin", &origin),
            ("Content-Type", "multipart/form-data; boundary=edge"),
        ];
        self.send(&format!("POST {path}"), &head, body)
    }

    /// Makes the first user.
    pub(crate) fn welcome(url: &str, name: &str) -> Self {
        let mut browser = Self::at(url);
        let token = url.split("token=").nth(1).expect("a token");
        let fields = [
            ("token", token),
            ("name", name),
            ("password", "correct horse"),
            ("again", "correct horse"),
            ("reach", "tcp"),
        ];
        assert_eq!(browser.post("/welcome", &fields).path(), "/start");
        assert_eq!(browser.post("/welcome", &fields).status, 403, "used once");
        browser
    }

    pub(crate) fn until(&self, path: &str, part: &str) {
        eventually(part, Duration::from_secs(60), || {
            self.get(path).body.contains(part)
        });
    }
}

/// A body that was sent in chunks.
fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = bytes
            .windows(2)
            .position(|two| two == b"\r\n")
            .expect("a length");
        let digits = std::str::from_utf8(&bytes[..end]).expect("digits");
        let length = usize::from_str_radix(digits, 16).expect("a length");
        if length == 0 {
            return whole;
        }
        whole.extend(&bytes[end + 2..end + 2 + length]);
        bytes = &bytes[end + 2 + length + 2..];
    }
}
