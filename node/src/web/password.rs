//! Passwords: hashed with argon2, one at a time, and not guessed at for long.

use super::failure::Failure;
use super::{Web, now, wait};
use crate::clock::entropy;
use crate::fault::{Class, Fault};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use axum::http::StatusCode;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Fewest characters, as NIST SP 800-63B wants it.
const SHORTEST: usize = 8;
/// Longest, bytes.
const LONGEST: usize = 1_024;
/// Wrong passwords for one name within [`WHILE`]; more are not looked at.
const WRONG: usize = 10;
/// Seconds.
const WHILE: i64 = 600;
/// Names that are watched; with more the oldest are let go.
const NAMES: usize = 1_024;

/// Wrong passwords of late: their number and when the first came, by name.
#[derive(Default)]
pub(super) struct Attempts(Mutex<BTreeMap<String, (usize, i64)>>);

impl Attempts {
    /// Refuses names that were tried too often.
    ///
    /// # Errors
    /// So it is.
    fn check(&self, name: &str) -> Result<(), Failure> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(name) {
            Some((count, since)) if *count >= WRONG && now() - since < WHILE => {
                let text = format!(
                    "there were {WRONG} wrong passwords for this name: wait {} minutes",
                    WHILE / 60
                );
                Err(Failure::of(StatusCode::TOO_MANY_REQUESTS, text))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn note(&self, name: &str, right: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if right {
            all.remove(name);
            return;
        }
        let now = now();
        if all.len() >= NAMES {
            all.retain(|_, (_, since)| now - *since < WHILE);
            if all.len() >= NAMES {
                all.pop_first();
            }
        }
        let attempts = all.entry(name.to_owned()).or_insert((0, now));
        if now - attempts.1 >= WHILE {
            *attempts = (0, now);
        }
        attempts.0 += 1;
    }
}

/// Looks whether a new password may be one.
///
/// # Errors
/// What was expected.
pub(crate) fn fits(password: &str, again: &str) -> Result<(), Fault> {
    let wrong = |text: String| Err(Fault::new(Class::Usage, text));
    if password.chars().count() < SHORTEST {
        return wrong(format!("a password has at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return wrong(format!("a password has at most {LONGEST} bytes"));
    }
    if password != again {
        return wrong("the two passwords differ: type the same twice".to_owned());
    }
    Ok(())
}

/// Hashes a new password.
///
/// # Errors
/// The system gives no random bytes.
pub(super) async fn hash(web: &Web, password: String) -> Result<String, Failure> {
    // The semaphore is never closed.
    let _one = web.hashing.acquire().await;
    wait(move || hashed(&password)).await
}

/// Hashes a new password, which takes a while.
///
/// # Errors
/// The system gives no random bytes.
pub(crate) fn hashed(password: &str) -> Result<String, Fault> {
    let failed = |error: &dyn std::fmt::Display| {
        Fault::new(Class::Failed, format!("cannot hash the password: {error}"))
    };
    let salt = entropy().map_err(|error| failed(&error))?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt[..16]);
    hash.map(|hash| hash.to_string())
        .map_err(|error| failed(&error))
}

/// True if the password is that of a hash. Takes as long if there is no hash.
///
/// # Errors
/// It was tried too often.
pub(super) async fn is_right(
    web: &Web,
    name: &str,
    password: String,
    hash: Option<String>,
) -> Result<bool, Failure> {
    web.attempts.check(name)?;
    let right = {
        // The semaphore is never closed.
        let _one = web.hashing.acquire().await;
        wait(move || Ok(verify(&password, hash.as_deref()))).await?
    };
    web.attempts.note(name, right);
    Ok(right)
}

fn verify(password: &str, hash: Option<&str>) -> bool {
    let Some(hash) = hash else {
        let mut out = [0; 32];
        // Only for the time that it takes.
        let _ = Argon2::default().hash_password_into(password.as_bytes(), &[0; 16], &mut out);
        return false;
    };
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_guessed_at_for_long() {
        let attempts = Attempts::default();
        for _ in 0..WRONG {
            assert!(attempts.check("a").is_ok());
            attempts.note("a", false);
        }
        assert!(attempts.check("a").is_err());
        assert!(attempts.check("b").is_ok());
        for at in 0..NAMES * 2 {
            attempts.note(&at.to_string(), false);
        }
        assert!(attempts.0.lock().expect("whole").len() <= NAMES);
    }

    #[test]
    fn short_and_differing_passwords_are_refused() {
        assert!(fits("12345678", "12345678").is_ok());
        assert!(fits("1234567", "1234567").is_err());
        assert!(fits("12345678", "12345679").is_err());
        assert!(fits(&"x".repeat(LONGEST + 1), "").is_err());
    }
}
