//! `replay-node`: what a node recorded, played to the core again.

use super::{Done, Exit, NodeArgs, Stop, output};
use cliqueclique_core::journal::{JournalError, MAGIC, Player, decode};
use std::fs::File;
use std::io::{BufReader, Read};

/// `replay-node`.
pub(crate) fn replay(args: &NodeArgs) -> Done {
    let shown = args.file.display();
    let file = File::open(&args.file).map_err(|error| Stop(format!("{shown}: {error}")))?;
    let mut file = BufReader::new(file);
    let mut magic = Vec::new();
    (&mut file)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut magic)?;
    if magic != MAGIC {
        let text = format!("{shown}: expected a recording of `cliqueclique run --record`");
        return Err(Stop(text));
    }
    let mut player = Player::default();
    let end =
        play(&mut file, &mut player).map_err(|Stop(text)| Stop(format!("{shown}: {text}")))?;
    let inputs = player.inputs();
    let (exit, verdict) = match &end {
        End::Whole => (Exit::Ok, "the same, to the end".to_owned()),
        End::Cut => (
            Exit::Ok,
            "the same, until the recording was cut off".to_owned(),
        ),
        End::Different(difference) => (Exit::Mismatch, format!("NOT the same: {difference}")),
    };
    if args.json {
        let cut = matches!(end, End::Cut);
        let same = exit == Exit::Ok;
        let value = serde_json::json!({ "inputs": inputs, "same": same, "cut": cut });
        output::data(&value.to_string());
    } else {
        output::data(&format!("{inputs} inputs, {verdict}"));
    }
    Ok(exit)
}

enum End {
    Whole,
    /// In the middle of an entry, as a kill leaves it.
    Cut,
    Different(JournalError),
}

fn play(file: &mut impl Read, player: &mut Player) -> Result<End, Stop> {
    loop {
        let mut length = Vec::new();
        file.take(4).read_to_end(&mut length)?;
        let Ok(length) = <[u8; 4]>::try_from(&length[..]) else {
            return Ok(if length.is_empty() {
                End::Whole
            } else {
                End::Cut
            });
        };
        let length = u32::from_le_bytes(length);
        let mut body = Vec::new();
        file.take(length.into()).read_to_end(&mut body)?;
        if body.len() < length as usize {
            return Ok(End::Cut);
        }
        match player.play(decode(&body)?) {
            Ok(()) => {}
            Err(difference @ JournalError::Different { .. }) => {
                return Ok(End::Different(difference));
            }
            Err(error @ (JournalError::Damaged | JournalError::Order | JournalError::Start(_))) => {
                return Err(error.into());
            }
        }
    }
}
