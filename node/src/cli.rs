//! The command line: arguments in, lines or JSON out, an exit code that scripts can use.

mod arguments;
mod ask;
mod carry;
mod demo;
mod people;
mod run;
mod show;

use crate::fault::{Class, Fault};
use crate::folder;
use crate::settings::effective::{Setting, Source, effective};
use crate::settings::{self, Settings};
use crate::store;
use arguments::{AccountVerb, Arguments, Config, Verb};
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};
use serde_json::{Value, json};
use show::Output;
use std::process::ExitCode;

/// Reads the arguments and does what they say.
pub(crate) fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let given = |name| match matches.value_source(name) {
        Some(ValueSource::CommandLine) => Source::CommandLine,
        Some(ValueSource::EnvVariable) => Source::Environment,
        Some(_) | None => Source::Default,
    };
    let given = Given {
        data: given("data"),
        account: given("account"),
    };
    let output = Output {
        json: arguments.json,
    };
    match perform(arguments, given, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            output.fault(&fault);
            fault.exit()
        }
    }
}

/// Where what is not in the settings comes from.
#[derive(Clone, Copy, Debug)]
struct Given {
    data: Source,
    account: Source,
}

fn perform(arguments: Arguments, given: Given, output: Output) -> Result<(), Fault> {
    let folder = arguments.data.clone().unwrap_or_else(folder::usual);
    match arguments.verb {
        Verb::Init { listen } => {
            let account = arguments.account.unwrap_or_else(|| "me".to_owned());
            init(&folder, &account, listen, output)
        }
        Verb::Run { record } => run::run(&folder, record, arguments.account, output),
        Verb::Demo { folder } => demo::demo(folder, output),
        Verb::Config(Config::Check) => {
            let settings = Settings::read(&folder)?;
            let accounts: Vec<&str> = settings.accounts.iter().map(|a| a.name.as_str()).collect();
            output.done(&json!({ "accounts": accounts }), "the settings are right");
            Ok(())
        }
        Verb::Config(Config::Show) => config(&folder, arguments.account, given, output),
        Verb::Check { repair: false } => check(&folder, output),
        Verb::Check { repair: true } => repair(&folder, output),
        Verb::Backup { to } => copy(&folder, &to, output),
        Verb::Restore { from } => copy(&from, &folder, output),
        Verb::Completions { shell } => {
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "cliqueclique", &mut std::io::stdout());
            Ok(())
        }
        Verb::Man { folder } => {
            clap_mangen::generate_to(Arguments::command(), &folder)
                .map_err(|error| Fault::at(&folder, "write manual pages into", &error))?;
            output.done(&json!({ "folder": folder }), "");
            Ok(())
        }
        Verb::Account(AccountVerb::Import(import)) if !folder.join(settings::FILE).exists() => {
            let account = arguments.account.unwrap_or_default();
            ask::Asker::new(&folder, &account, output).import_here(&import)
        }
        Verb::Account(verb) => {
            let settings = Settings::read(&folder)?;
            let account = arguments
                .account
                .or_else(|| settings.accounts.first().map(|first| first.name.clone()));
            let account = match account {
                Some(account) => account,
                // Those that were made in the browser.
                None => first_hosted(&folder)?,
            };
            ask::Asker::new(&folder, &account, output).perform(verb)
        }
    }
}

/// Shows all settings; first what the command line decides.
fn config(
    folder: &std::path::Path,
    account: Option<String>,
    given: Given,
    output: Output,
) -> Result<(), Fault> {
    let (first, settings) = Settings::read_by(folder, |text| {
        let first = Settings::parse(text)?.accounts.into_iter().next();
        Ok((first, effective(text)?))
    })?;
    let (account, source) = match (account, first) {
        (Some(account), _) => (Some(account), given.account),
        (None, Some(first)) => (Some(first.name), Source::File),
        (None, None) => (None, Source::Default),
    };
    let mut all = vec![
        Setting {
            name: "--data".to_owned(),
            value: json!(folder),
            source: given.data,
        },
        Setting {
            name: "--account".to_owned(),
            value: json!(account),
            source,
        },
    ];
    all.extend(settings);
    let lines: Vec<String> = all
        .iter()
        .map(|setting| {
            let value = &setting.value;
            let value = if value.is_null() {
                "none".to_owned()
            } else {
                value.to_string()
            };
            format!("{:<28} {value:<28} {}", setting.name, setting.source.name())
        })
        .collect();
    output.done(&json!(all), &lines.join("\n"));
    Ok(())
}

/// The first account that was made while the node ran; no name if there is none.
fn first_hosted(folder: &std::path::Path) -> Result<String, Fault> {
    if !folder.join(store::FILE).exists() {
        return Ok(String::new());
    }
    let (hosted, _) = store::users::hosted(folder)?;
    Ok(hosted
        .into_iter()
        .next()
        .map_or_else(String::new, |(name, _)| name))
}

/// Looks for damage; what was found is the answer, and an error besides if there is any.
fn check(folder: &std::path::Path, output: Output) -> Result<(), Fault> {
    let report = store::check::look(folder)?;
    let fault = store::check::fault(folder, &report);
    if fault.is_none() || output.json {
        output.done(&json!(report), &report.text());
    }
    fault.map_or(Ok(()), Err)
}

/// Mends the store, while nobody else can use it.
fn repair(folder: &std::path::Path, output: Output) -> Result<(), Fault> {
    // A lock would make a file in a folder that is none.
    if !folder.join(store::FILE).exists() {
        return check(folder, output);
    }
    let held = folder::lock(folder)?;
    let repaired = store::repair::repair(folder)?;
    drop(held);
    output.done(&json!(repaired), &repaired.text());
    Ok(())
}

/// A backup is a data folder of its own, so restoring is the same the other way round.
fn copy(from: &std::path::Path, to: &std::path::Path, output: Output) -> Result<(), Fault> {
    let found = store::backup::copy(from, to)?;
    let text = format!(
        "{} has {} documents and the keys",
        to.display(),
        found.documents
    );
    output.done(
        &json!({ "folder": to, "documents": found.documents }),
        &text,
    );
    Ok(())
}

fn init(
    folder: &std::path::Path,
    account: &str,
    listen: Option<String>,
    output: Output,
) -> Result<(), Fault> {
    settings::name_fits(account).map_err(|text| Fault::new(Class::Usage, text))?;
    let listen = match listen.as_deref() {
        Some("tcp") => folder::free_place()?,
        Some(listen) => listen.to_owned(),
        None => crate::transport::i2p::SCHEME.to_owned(),
    };
    settings::Settings::parse(&settings::template(account, &listen))
        .map_err(|text| Fault::new(Class::Usage, format!("--listen: {text}")))?;
    folder::make(folder, account, &listen)?;
    // What was written is looked at as any start would.
    Settings::read(folder)?;
    let answer: Value = json!({ "data": folder, "account": account, "listen": listen });
    let text = format!(
        "made {} with the account '{account}', which listens on {listen}\n\
         start it with `cliqueclique run`",
        folder.display()
    );
    output.done(&answer, &text);
    Ok(())
}
