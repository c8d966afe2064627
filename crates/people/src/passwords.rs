//! Hashing passwords with Argon2id, away from the threads that carry calls, and no more at once than there is memory and time for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::password_hash::PasswordHasher;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, PasswordVerifier, Version};
use jiff::SignedDuration;
use privacy::Secret;
use tokio::sync::Semaphore;

use crate::PeopleError;

/// Memory of one hash in KiB (OWASP Password Storage: m=19456, t=2, p=1).
const MEMORY_KIB: u32 = 19_456;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Bytes of the hash.
const OUTPUT_BYTES: usize = 32;
/// Bytes of salt.
const SALT_BYTES: usize = 16;
/// What is verified when there is no such account or it has no password: as much work as for one that has. Nothing hashes to it on purpose.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm8gb25lIGlzIGhlcmUhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// When to come again while the line is full.
const COME_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// How busy the hashing of passwords is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HashingState {
    /// Being hashed.
    pub running: usize,
    /// Tries that are looked at or wait for it.
    pub inside: usize,
    /// Hashed since the start.
    pub done: u64,
}

/// Where passwords are hashed.
pub(crate) struct Passwords {
    slots: Arc<Semaphore>,
    at_once: usize,
    most_inside: usize,
    inside: Arc<AtomicUsize>,
    done: Arc<AtomicU64>,
}

/// A place in the line. Dropping it leaves the line.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What came of comparing a password with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) right: bool,
    /// The hash was made with less than what is asked for today.
    pub(crate) weak: bool,
}

impl Passwords {
    /// Hashes `at_once` and lets `waiting` wait.
    pub(crate) fn new(at_once: usize, waiting: usize) -> Self {
        let at_once = at_once.max(1);
        let most_inside = at_once.saturating_add(waiting);
        Self { slots: Arc::new(Semaphore::new(at_once)), at_once, most_inside, inside: Arc::default(), done: Arc::default() }
    }

    /// Enters the line. Whoever wants a password hashed or compared needs a place.
    pub(crate) fn enter(&self) -> Result<Place, PeopleError> {
        let enter = |inside| if inside < self.most_inside { Some(inside + 1) } else { None };
        match self.inside.fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter) {
            Ok(_) => Ok(Place(Arc::clone(&self.inside))),
            Err(_) => Err(PeopleError::Busy { retry_after: COME_AGAIN }),
        }
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, _place: &Place, password: &Secret) -> Result<Secret, PeopleError> {
        let password = password.clone();
        self.work(move || hash(&password)).await
    }

    /// Compares with a hash; without one the same work is done for nothing.
    pub(crate) async fn verify(&self, _place: &Place, stored: Option<&Secret>, password: &Secret) -> Result<Verdict, PeopleError> {
        let (stored, password) = (stored.cloned(), password.clone());
        self.work(move || match stored {
            Some(stored) => verify(stored.expose(), &password),
            None => verify(NOBODY, &password).map(|_| Verdict { right: false, weak: false }),
        })
        .await
    }

    pub(crate) fn state(&self) -> HashingState {
        HashingState {
            running: self.at_once.saturating_sub(self.slots.available_permits()),
            inside: self.inside.load(Ordering::SeqCst),
            done: self.done.load(Ordering::SeqCst),
        }
    }

    /// The slot goes with the work: whoever no longer waits for it does not make room for more.
    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T, PeopleError> + Send + 'static) -> Result<T, PeopleError> {
        let lost = |why: String| PeopleError::Hashing { why };
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|error| lost(error.to_string()))?;
        let done = Arc::clone(&self.done);
        let work = tokio::task::spawn_blocking(move || {
            let result = job();
            done.fetch_add(1, Ordering::SeqCst);
            drop(slot);
            result
        });
        work.await.map_err(|error| lost(error.to_string()))?
    }
}

fn hash(password: &Secret) -> Result<Secret, PeopleError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)).map_err(failed)?;
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2.hash_password_with_salt(password.expose().as_bytes(), &salt).map_err(failed)?;
    Ok(hash.to_string().into())
}

/// The parameters are those of the hash.
fn verify(stored: &str, password: &Secret) -> Result<Verdict, PeopleError> {
    let hash = PasswordHash::new(stored).map_err(failed)?;
    let right = match Argon2::default().verify_password(password.expose().as_bytes(), &hash) {
        Ok(()) => true,
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(error) => return Err(failed(error)),
    };
    Ok(Verdict { right, weak: is_weak(&hash)? })
}

fn is_weak(hash: &PasswordHash) -> Result<bool, PeopleError> {
    let params = Params::try_from(hash).map_err(failed)?;
    let output = hash.hash.as_ref().map_or(0, |output| output.len());
    Ok(hash.algorithm != ARGON2ID_IDENT
        || hash.version != Some(Version::V0x13.into())
        || params.m_cost() < MEMORY_KIB
        || params.t_cost() < PASSES
        || params.p_cost() < LANES
        || output < OUTPUT_BYTES)
}

fn failed(error: impl std::fmt::Display) -> PeopleError {
    PeopleError::Hashing { why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[tokio::test]
    async fn a_hash_names_its_parameters_and_only_the_password_exactly_as_typed_fits() {
        let passwords = Passwords::new(2, 10);
        let place = passwords.enter().unwrap();
        let hash = passwords.hash(&place, &secret(" Correct horse ")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert_ne!(hash, passwords.hash(&place, &secret(" Correct horse ")).await.unwrap(), "each has its salt");
        for (typed, right) in [(" Correct horse ", true), ("Correct horse", false), (" correct horse ", false), ("", false)] {
            assert_eq!(passwords.verify(&place, Some(&hash), &secret(typed)).await.unwrap(), Verdict { right, weak: false }, "{typed:?}");
        }
        let long = "a".repeat(200);
        let hash = passwords.hash(&place, &secret(&long)).await.unwrap();
        assert!(!passwords.verify(&place, Some(&hash), &secret(&long[..199])).await.unwrap().right, "nothing is cut off");
    }

    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        assert!(!is_weak(&hash).unwrap());
        assert_eq!(Params::try_from(&hash).unwrap().m_cost(), MEMORY_KIB);
        let passwords = Passwords::new(1, 1);
        let place = passwords.enter().unwrap();
        assert!(!passwords.verify(&place, None, &secret("x")).await.unwrap().right);
        assert_eq!(passwords.state(), HashingState { running: 0, inside: 1, done: 1 });
    }

    #[test]
    fn a_hash_of_lower_parameters_is_weak_and_one_that_cannot_be_read_is_an_error() {
        for (lower, weak) in [("m=19456,t=2,p=1", false), ("m=19456,t=1,p=1", true), ("m=4096,t=3,p=1", true), ("m=65536,t=3,p=4", false)] {
            let hash = NOBODY.replace("m=19456,t=2,p=1", lower);
            assert_eq!(is_weak(&PasswordHash::new(&hash).unwrap()).unwrap(), weak, "{lower}");
        }
        assert!(matches!(verify("plain text", &secret("plain text")), Err(PeopleError::Hashing { .. })));
    }

    #[tokio::test]
    async fn the_line_has_an_end() {
        let passwords = Passwords::new(1, 2);
        let places: Vec<_> = (0..3).map(|_| passwords.enter().unwrap()).collect();
        assert!(matches!(passwords.enter(), Err(PeopleError::Busy { .. })));
        drop(places);
        assert!(passwords.enter().is_ok());
    }
}
