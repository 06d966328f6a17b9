//! `export`: graphs from the lines of `snapshots.jsonl`, one file per document
//! and snapshot.

use super::{Done, Exit, ExportArgs, GraphFormat, Stop, output};
use cliqueclique_sim::export::{self, Line, ReadError};
use cliqueclique_sim::folder::SNAPSHOTS;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

/// The command.
pub(crate) fn export(args: &ExportArgs) -> Done {
    let path = args.folder.join(SNAPSHOTS);
    let place = |what: String| Stop(format!("{}: {what}", path.display()));
    let file = File::open(&path).map_err(|error| place(error.to_string()))?;
    let lines = export::read_snapshots(&mut BufReader::new(file), |line| wanted(line, args))
        .map_err(|error: ReadError| place(error.to_string()))?;
    let groups = export::groups(lines);
    if groups.is_empty() {
        return Err(place("holds no such document".to_owned()));
    }
    let graphs = args.folder.join("graphs");
    std::fs::create_dir_all(&graphs)?;
    for group in &groups {
        write_graph(&graphs, group, args.format)?;
    }
    output::data(&graphs.display().to_string());
    output::message(&format!("{} graphs written", groups.len()));
    Ok(Exit::Ok)
}

/// By default the documents that comment on nothing.
fn wanted(line: &Line, args: &ExportArgs) -> bool {
    let named = args
        .documents
        .iter()
        .any(|start| line.tag.starts_with(start.as_str()));
    args.all || named || (args.documents.is_empty() && line.parents.is_empty())
}

fn write_graph(folder: &Path, group: &[Line], format: GraphFormat) -> std::io::Result<()> {
    let Some(first) = group.first() else {
        return Ok(());
    };
    let extension = match format {
        GraphFormat::Graphml => "graphml",
        GraphFormat::Dot => "dot",
    };
    let name = format!("{}s-{}.{extension}", first.time, first.tag);
    let mut file = BufWriter::new(File::create(folder.join(name))?);
    match format {
        GraphFormat::Graphml => export::write_graphml(&mut file, group)?,
        GraphFormat::Dot => export::write_dot(&mut file, group)?,
    }
    file.flush()
}
