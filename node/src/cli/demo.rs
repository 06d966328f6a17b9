//! `demo`: a small network on this machine that makes a forum, loses a node and heals. The
//! nodes are processes of their own, so that one can really be killed.

use super::show::Output;
use crate::clock::Clock;
use crate::control::client;
use crate::control::request::{Id, Part, Request};
use crate::fault::{Class, Fault};
use crate::folder;
use crate::store::ask::Reader;
use crate::text;
use cliqueclique_core::DocumentId;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const NAMES: [&str; 4] = ["anna", "ben", "carla", "dora"];
/// How long each step may take; on an idle machine all take a second or two.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(100);

struct Member {
    name: &'static str,
    folder: PathBuf,
    process: Option<Child>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Shows it, and leaves the data.
///
/// # Errors
/// A node does not start, or a step takes too long.
pub(super) fn demo(folder: Option<PathBuf>, output: Output) -> Result<(), Fault> {
    let folder = match folder {
        Some(folder) => folder,
        None => std::env::temp_dir().join(format!("cliqueclique-demo-{}", std::process::id())),
    };
    let stage = Stage {
        output,
        clock: Clock::start(),
    };
    stage.tell(&format!("the nodes' data are in {}", folder.display()));
    let mut members = NAMES
        .iter()
        .map(|name| Member::begin(&folder, name))
        .collect::<Result<Vec<_>, _>>()?;
    let forum = stage.gather(&members)?;
    stage.all_have(&members, &forum, 1)?;
    let mut posts = vec![forum];
    for member in &members {
        let text = format!("Hello, {} is here", member.name);
        posts.push(member.publish(&[forum], &text)?);
        stage.tell(&format!("{} writes: {text}", member.name));
    }
    stage.all_have(&members, &forum, posts.len())?;
    stage.show_network(&members, &forum)?;
    stage.lose_and_heal(&mut members, forum, posts.len())?;
    stage.tell("to look at it:");
    let first = members[0].folder.display();
    stage.tell(&format!("  cliqueclique --data {first} list {forum}"));
    let answer = json!({ "folder": folder, "forum": forum.to_string() });
    output.done(&answer, "the demo is over; its nodes are stopped");
    Ok(())
}

impl Member {
    fn begin(folder: &Path, name: &'static str) -> Result<Self, Fault> {
        let folder = folder.join(name);
        folder::make(&folder, "me", &folder::free_place()?)?;
        let mut member = Self {
            name,
            folder,
            process: None,
        };
        member.start()?;
        Ok(member)
    }

    fn start(&mut self) -> Result<(), Fault> {
        let failed = |error: std::io::Error| Fault::at(&self.folder, "start a node on", &error);
        let program = std::env::current_exe().map_err(failed)?;
        let process = Command::new(program)
            .arg("--data")
            .arg(&self.folder)
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        self.process = Some(process);
        let clock = Clock::start();
        while let Err(fault) = self.ask(Request::Status) {
            late(&clock, "a node answers").map_err(|_| fault)?;
        }
        Ok(())
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn ask(&self, request: Request) -> Result<Value, Fault> {
        client::ask(&self.folder, "me", &request)
    }

    fn publish(&self, parents: &[DocumentId], text: &str) -> Result<DocumentId, Fault> {
        let answer = self.ask(Request::Publish {
            parents: parents.iter().copied().map(Id).collect(),
            children: Vec::new(),
            body: text.to_owned(),
            mode: Part::Follow,
            created: None,
            source: None,
        })?;
        let id = answer["id"].as_str().and_then(text::unhex);
        id.map(DocumentId)
            .ok_or_else(|| Fault::new(Class::Failed, "a node gave no id"))
    }

    fn count(&self) -> Result<usize, Fault> {
        let count = Reader::open(&self.folder, "me")?.count()?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

/// Waits a moment; an error when it took too long.
fn late(clock: &Clock, what: &str) -> Result<(), Fault> {
    if clock.now().since(cliqueclique_core::Time::ZERO) > PATIENCE {
        let seconds = PATIENCE.as_secs();
        let message = format!("waited {seconds} s in vain until {what}");
        return Err(Fault::new(Class::Failed, message));
    }
    std::thread::sleep(LOOK);
    Ok(())
}

struct Stage {
    output: Output,
    clock: Clock,
}

impl Stage {
    /// One line of the story; for programs only the end counts.
    fn tell(&self, line: &str) {
        if !self.output.json {
            let seconds = self.clock.now().as_secs_f64();
            self.output.line(&format!("{seconds:5.1} s  {line}"));
        }
    }

    /// The first makes a forum, the others join it there.
    fn gather(&self, members: &[Member]) -> Result<DocumentId, Fault> {
        let first = &members[0];
        let forum = first.publish(&[], "The forum of the demo")?;
        self.tell(&format!("{} makes a forum", first.name));
        let address = first.ask(Request::Address)?;
        let place = address["address"].as_str().unwrap_or_default().to_owned();
        for member in &members[1..] {
            member.ask(Request::Join {
                document: Id(forum),
                places: vec![place.clone()],
                mode: Part::Follow,
            })?;
            self.tell(&format!("{} joins it", member.name));
        }
        Ok(forum)
    }

    fn all_have(&self, members: &[Member], forum: &DocumentId, count: usize) -> Result<(), Fault> {
        let clock = Clock::start();
        for member in members.iter().filter(|member| member.process.is_some()) {
            while member.count()? < count || !holds(member, forum)? {
                late(&clock, "everything was everywhere")?;
            }
        }
        self.tell(&format!("all who run have all {count} documents"));
        Ok(())
    }

    fn show_network(&self, members: &[Member], forum: &DocumentId) -> Result<(), Fault> {
        for member in members.iter().filter(|member| member.process.is_some()) {
            let document = Id(*forum);
            let view = member.ask(Request::Overlay { document })?;
            let neighbors = view["neighbors"].as_array().map_or(0, Vec::len);
            let root = if view["this_node_is_root"] == true {
                ", which is its root"
            } else {
                ""
            };
            self.tell(&format!(
                "  the forum's network at {}{root}: {neighbors} neighbours, distance {}",
                member.name, view["distance"]
            ));
        }
        Ok(())
    }

    /// The overlay root is killed, the others go on, and it comes back.
    fn lose_and_heal(
        &self,
        members: &mut [Member],
        forum: DocumentId,
        count: usize,
    ) -> Result<(), Fault> {
        let document = Id(forum);
        let is_root = |member: &Member| {
            let view = member.ask(Request::Overlay { document });
            view.is_ok_and(|view| view["this_node_is_root"] == true)
        };
        let at = members.iter().position(is_root).unwrap_or_default();
        members[at].kill();
        let lost = members[at].name;
        self.tell(&format!("{lost} is killed (kill -9)"));
        let other = &members[(at + 1) % members.len()];
        other.publish(&[forum], "Does anybody still hear me?")?;
        self.tell(&format!("{} writes on", other.name));
        self.all_have(members, &forum, count + 1)?;
        members[at].start()?;
        self.tell(&format!("{lost} is back"));
        self.all_have(members, &forum, count + 1)?;
        self.show_network(members, &forum)
    }
}

fn holds(member: &Member, forum: &DocumentId) -> Result<bool, Fault> {
    Reader::open(&member.folder, "me")?.holds(forum)
}
