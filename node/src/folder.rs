//! The data folder: made, protected, locked; and the key files in it.

use crate::clock;
use crate::fault::{Class, Fault};
use crate::portable::account::Account;
use crate::settings;
use crate::text;
use crate::transport::i2p::keys::Keys;
use cliqueclique_core::SecretKey;
use cliqueclique_core::crypto::{Ed25519Blake3, Suite};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
const KEYS: &str = "keys";
/// Folder of files that are being taken in, in the data folder.
pub(crate) const INCOMING: &str = "incoming";

/// The folder that is used if none is named.
pub(crate) fn usual() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share"));
    data.filter(|path| path.is_absolute())
        .or_else(home)
        .unwrap_or_else(|| PathBuf::from("."))
        .join("cliqueclique")
}

/// Makes a data folder with one account.
///
/// # Errors
/// There is one already, or it cannot be made.
pub(crate) fn make(folder: &Path, account: &str, listen: &str) -> Result<(), Fault> {
    let path = folder.join(settings::FILE);
    if path.exists() {
        let message = format!(
            "{} is there already: nothing was changed. Add accounts with [[account]] there",
            path.display()
        );
        return Err(Fault::new(Class::Refused, message));
    }
    private(folder)?;
    private(&folder.join(KEYS))?;
    key(folder, account)?;
    write_new(&path, settings::template(account, listen).as_bytes())
}

/// Makes a data folder without accounts, if there are no settings yet: the first one is made in
/// the browser.
///
/// # Errors
/// It cannot be made.
pub(crate) fn prepare(folder: &Path) -> Result<(), Fault> {
    let path = folder.join(settings::FILE);
    if path.exists() {
        return Ok(());
    }
    private(folder)?;
    private(&folder.join(KEYS))?;
    write_new(&path, settings::template_without_account().as_bytes())
}

/// Puts an account's keys into a data folder, which is made if need be, and the account into its
/// settings, last.
///
/// # Errors
/// There is an account of this name, or something cannot be written; nothing is changed then.
pub(crate) fn adopt(
    folder: &Path,
    name: &str,
    key: &SecretKey,
    account: &Account,
) -> Result<(), Fault> {
    let path = folder.join(settings::FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => format!("{}\n{}", text.trim_end(), settings::entry(name, account)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            settings::template_of(name, account)
        }
        Err(error) => return Err(Fault::at(&path, "read", &error)),
    };
    let wrong = |text| {
        let message = format!("the account does not fit into {}: {text}", path.display());
        Fault::new(Class::Refused, message)
    };
    settings::Settings::parse(&text).map_err(wrong)?;
    let i2p = account.i2p.as_deref().map(|text| {
        let keys = Keys::parse(text);
        keys.ok_or_else(|| wrong("its I2P destination is damaged".to_owned()))
    });
    let i2p = i2p.transpose()?;
    private(folder)?;
    let held = lock(folder)?;
    private(&folder.join(KEYS))?;
    let file = |ending: &str| folder.join(KEYS).join(format!("{name}.{ending}"));
    let (secret, destination) = (file("key"), file("i2p"));
    if secret.exists() || destination.exists() {
        return Err(wrong(format!(
            "there are keys of the name '{name}' already"
        )));
    }
    let node = Ed25519Blake3.node_id(&Ed25519Blake3.public_key(key));
    crate::store::account(folder, name, node)?;
    let written = write_new(&secret, format!("{}\n", text::hex(&key.0)).as_bytes())
        .and_then(|()| {
            i2p.map_or(Ok(()), |keys| {
                write_new(&destination, format!("{}\n", keys.text()).as_bytes())
            })
        })
        .and_then(|()| replace(&path, text.as_bytes()));
    if written.is_err() {
        // They were not there before.
        let _ = (fs::remove_file(&secret), fs::remove_file(&destination));
    }
    drop(held);
    written
}

/// Puts an account's keys into a data folder that a node runs on.
///
/// # Errors
/// There are keys of this name, or they cannot be written; nothing is changed then.
pub(crate) fn take_keys(
    folder: &Path,
    name: &str,
    key: &SecretKey,
    i2p: Option<&str>,
) -> Result<(), Fault> {
    private(&folder.join(KEYS))?;
    let file = |ending: &str| folder.join(KEYS).join(format!("{name}.{ending}"));
    let (secret, destination) = (file("key"), file("i2p"));
    if secret.exists() || destination.exists() {
        let message = format!("there are keys of the name '{name}' already: choose another name");
        return Err(Fault::new(Class::Refused, message));
    }
    let i2p = i2p.map(|text| {
        let damaged = || Fault::new(Class::Usage, "the I2P destination in it is damaged");
        Keys::parse(text).ok_or_else(damaged)
    });
    let i2p = i2p.transpose()?;
    let line = |text: String| format!("{text}\n");
    let written = write_new(&secret, line(text::hex(&key.0)).as_bytes()).and_then(|()| {
        i2p.map_or(Ok(()), |keys| {
            write_new(&destination, line(keys.text()).as_bytes())
        })
    });
    if written.is_err() {
        // They were not there before.
        let _ = (fs::remove_file(&secret), fs::remove_file(&destination));
    }
    written
}

/// Destroys an account's keys, for good, and files that were to be taken in for it.
///
/// # Errors
/// One cannot be removed.
pub(crate) fn drop_keys(folder: &Path, name: &str) -> Result<(), Fault> {
    let file = |ending: &str| folder.join(KEYS).join(format!("{name}.{ending}"));
    for path in [file("key"), file("i2p")] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Fault::at(&path, "remove", &error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    // Nothing reads them any more.
    let _ = fs::remove_dir_all(folder.join(INCOMING).join(name));
    Ok(())
}

/// Writes a file anew, durably: it is the old one or the new one, never half of it.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    write_new(&new, bytes)?;
    fs::rename(&new, path).map_err(|error| Fault::at(path, "write", &error))
}

/// Makes a folder that only its owner may use.
///
/// # Errors
/// It cannot be made or protected.
pub(crate) fn private(folder: &Path) -> Result<(), Fault> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(folder)
        .map_err(|error| Fault::at(folder, "make the folder", &error))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
        .map_err(|error| Fault::at(folder, "protect", &error))
}

/// Copies all keys of a data folder.
///
/// # Errors
/// One cannot be read or written.
pub(crate) fn copy_keys(from: &Path, to: &Path) -> Result<(), Fault> {
    let (from, to) = (from.join(KEYS), to.join(KEYS));
    private(&to)?;
    let failed = |error| Fault::at(&from, "read", &error);
    for file in fs::read_dir(&from).map_err(failed)? {
        let file = file.map_err(failed)?;
        copy_file(&file.path(), &to.join(file.file_name()))?;
    }
    Ok(())
}

/// Copies a file for its owner only, durably.
///
/// # Errors
/// It cannot be read or written, or is there already.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), Fault> {
    let bytes = fs::read(from).map_err(|error| Fault::at(from, "read", &error))?;
    write_new(to, &bytes)
}

/// Writes a file that is not there yet, for its owner only, durably.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        path.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|error| Fault::at(path, "write", &error))
}

/// An account's secret key; made if there is none.
///
/// # Errors
/// It cannot be read or written, is damaged, or others may read it.
pub(crate) fn key(folder: &Path, account: &str) -> Result<SecretKey, Fault> {
    let path = folder.join(KEYS).join(format!("{account}.key"));
    let make = || clock::entropy().map(|secret| text::hex(&secret));
    let text = secret(&path, make)?;
    text::unhex(&text)
        .map(SecretKey)
        .ok_or_else(|| damaged(&path, "64 hex digits"))
}

/// The secret keys of an account's I2P destination; made if there are none.
///
/// # Errors
/// As [`key`].
pub(crate) fn destination(folder: &Path, account: &str) -> Result<Keys, Fault> {
    let path = folder.join(KEYS).join(format!("{account}.i2p"));
    let text = secret(&path, || Keys::make().map(|keys| keys.text()))?;
    Keys::parse(&text).ok_or_else(|| damaged(&path, "an I2P destination of 908 letters"))
}

fn damaged(path: &Path, expected: &str) -> Fault {
    let message = format!(
        "the key {} is damaged: expected {expected}; restore it from a backup",
        path.display()
    );
    Fault::new(Class::Failed, message)
}

/// The text of a key file that only its owner may read; made if there is none.
fn secret(path: &Path, make: impl FnOnce() -> std::io::Result<String>) -> Result<String, Fault> {
    match fs::metadata(path) {
        Ok(data) if data.permissions().mode() & 0o077 != 0 => {
            let message = format!(
                "others may read the key {}: mend it with chmod 600 (and change the key if \
                 somebody did read it)",
                path.display()
            );
            return Err(Fault::new(Class::Failed, message));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = make().map_err(|error| Fault::at(path, "make", &error))?;
            write_new(path, format!("{secret}\n").as_bytes())?;
        }
        Err(error) => return Err(Fault::at(path, "read", &error)),
    }
    let text = fs::read_to_string(path).map_err(|error| Fault::at(path, "read", &error))?;
    Ok(text.trim().to_owned())
}

/// Held while the folder is used; released when dropped or when the process ends.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "kept open")] File);

/// Takes the folder for this process alone.
///
/// # Errors
/// Another process has it.
pub(crate) fn lock(folder: &Path) -> Result<Lock, Fault> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| Fault::at(&path, "open", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => {
            let message = format!(
                "another node runs on {}: stop it with `cliqueclique stop`, or name another \
                 folder with --data",
                folder.display()
            );
            Err(Fault::new(Class::Refused, message))
        }
        Err(TryLockError::Error(error)) => Err(Fault::at(&path, "lock", &error)),
    }
}

/// A port that is free now; it is kept in the settings.
///
/// # Errors
/// There is none.
pub(crate) fn free_place() -> Result<String, Fault> {
    let place = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let place = place.map_err(|error| {
        let message = format!("no free port: {error}; name one with --listen tcp:IP:PORT");
        Fault::new(Class::Failed, message)
    })?;
    Ok(format!("tcp:{place}"))
}
