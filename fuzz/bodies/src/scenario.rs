//! The parser of scenarios: any text is refused with words, or read.

use cliqueclique_sim::scenario::read_text;

/// Most overrides taken from the bytes.
const MOST_SETS: usize = 4;

/// Reads the bytes as a scenario; lines after the first line `---` are overrides
/// (`--set`). Bytes that are no text are shown as a user's editor would show them.
///
/// # Panics
/// If a refusal has no words, or what was read is not the same when its text is read again.
pub fn run(bytes: &[u8]) {
    let all = String::from_utf8_lossy(bytes);
    let (text, sets) = all.split_once("\n---\n").unwrap_or((&all, ""));
    let sets: Vec<String> = sets.lines().take(MOST_SETS).map(str::to_owned).collect();
    match read_text("fuzz.toml", text, &sets) {
        Ok(loaded) => {
            let again = read_text("fuzz.toml", &loaded.text, &[]);
            assert_eq!(again.map(|again| again.scenario), Ok(loaded.scenario));
        }
        Err(error) => assert!(error.to_string().len() > 10),
    }
}
