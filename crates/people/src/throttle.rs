//! How long somebody waits who got it wrong too often.
//!
//! Three counts, so that guessing is slow everywhere and nobody can keep an owner out: one for the account from one network, one for the network
//! over all accounts, and one for the account over all networks, which does not hold for networks the owner is signed in from.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use secrets::digest;
use store::throttle::Failures;
use store::{Database, StoreError, Transaction};

use crate::PeopleError;

/// Failures for one account from one network that cost nothing; the fifth is the first to cost a wait (1 s, then 2, 4, ...).
pub(crate) const FREE_PAIR: u32 = 5;
/// Failures from one network within [`NETWORK_WINDOW`] that cost nothing: an office signs in behind one address.
pub(crate) const FREE_NETWORK: u32 = 50;
/// Failures for one account within [`ACCOUNT_WINDOW`] that cost nothing. With a wait of a minute after them an hour has fewer than 100 (ASVS 4.0, 2.2.1).
pub(crate) const FREE_ACCOUNT: u32 = 30;
/// Over which the failures of a network are counted, in seconds.
const NETWORK_WINDOW: i64 = 600;
/// Over which the failures of an account from everywhere are counted, in seconds.
const ACCOUNT_WINDOW: i64 = 3600;
/// The longest wait.
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_secs(60);
/// Counts are forgotten after so long without a failure.
pub(crate) const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The wait after so many failures, of which `free` cost nothing: 1, 2, 4 ... 60 s.
pub(crate) fn delay(failures: u32, free: u32) -> SignedDuration {
    match failures.checked_sub(free) {
        None => SignedDuration::ZERO,
        Some(more) => SignedDuration::from_secs(1 << more.min(6)).min(LONGEST),
    }
}

/// The network an address is in: /24 of IPv4, /64 of IPv6. Who has one address of them has all.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// What is guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guess {
    /// A password; the subject is the e-mail in the form of look-ups.
    Password,
    /// A second factor; the subject is the account's id.
    Factor,
}

/// The counts that one try stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gate {
    pair: [u8; 32],
    network: [u8; 32],
    account: [u8; 32],
}

impl Gate {
    pub(crate) fn new(guess: Guess, subject: &str, address: IpAddr, now: Timestamp) -> Self {
        let network = network(address);
        let window = |length: i64| now.as_second().div_euclid(length);
        // A line feed is in no part: parts cannot be moved from one to the other.
        let subject = subject.replace('\n', " ");
        Self {
            pair: digest(&format!("pair\n{guess:?}\n{subject}\n{network}")),
            network: digest(&format!("network\n{network}\n{}", window(NETWORK_WINDOW))),
            account: digest(&format!("account\n{guess:?}\n{subject}\n{}", window(ACCOUNT_WINDOW))),
        }
    }

    /// Names the account and the network.
    pub(crate) fn pair(&self) -> &[u8; 32] {
        &self.pair
    }

    /// How long to wait because of the account and network, and how long because of the account from everywhere.
    pub(crate) async fn waits(&self, db: &Database, now: Timestamp) -> Result<Waits, StoreError> {
        let near = wait(store::throttle::get(db, &self.pair).await?, now);
        let network = wait(store::throttle::get(db, &self.network).await?, now);
        let everywhere = wait(store::throttle::get(db, &self.account).await?, now);
        Ok(Waits { near: near.max(network), everywhere })
    }

    /// Counts a failure.
    pub(crate) async fn failed(&self, tx: &mut Transaction, now: Timestamp) -> Result<(), StoreError> {
        let mut counts = [(self.pair, FREE_PAIR), (self.network, FREE_NETWORK), (self.account, FREE_ACCOUNT)];
        // In one order for everybody: two transactions must not wait for each other.
        counts.sort_unstable();
        for (key, free) in counts {
            store::throttle::failed(tx, &key, now, move |failures| delay(failures, free)).await?;
        }
        Ok(())
    }

    /// A success ends the wait of the account from this network. The other counts go on: else one's own account would pay for guesses at others.
    pub(crate) async fn succeeded(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        store::throttle::succeeded(tx, &self.pair).await
    }
}

/// What a try has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waits {
    near: SignedDuration,
    /// Because of failures from anywhere; does not hold for networks the owner is known from.
    pub(crate) everywhere: SignedDuration,
}

impl Waits {
    /// Whether only failures from elsewhere are in the way.
    pub(crate) fn only_elsewhere(&self) -> bool {
        self.near.is_zero() && !self.everywhere.is_zero()
    }

    /// Ok when nothing is in the way.
    pub(crate) fn over(&self) -> Result<(), PeopleError> {
        let retry_after = self.near.max(self.everywhere);
        if retry_after.is_zero() { Ok(()) } else { Err(PeopleError::Throttled { retry_after }) }
    }
}

fn wait(failures: Option<Failures>, now: Timestamp) -> SignedDuration {
    // A clock that was set back must not make the wait longer than the longest.
    failures.map_or(SignedDuration::ZERO, |failures| failures.blocked_to.duration_since(now).clamp(SignedDuration::ZERO, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_from_the_fifth_failure_and_never_past_a_minute() {
        let waits: Vec<i64> = (0..14).map(|failures| delay(failures, FREE_PAIR).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(delay(u32::MAX, FREE_PAIR), LONGEST);
    }

    #[test]
    fn neighbours_share_a_network() {
        let name = |text: &str| network(text.parse().unwrap());
        assert_eq!(name("192.0.2.7"), name("192.0.2.200"));
        assert_eq!(name("::ffff:192.0.2.7"), name("192.0.2.7"));
        assert_ne!(name("192.0.2.7"), name("192.0.3.7"));
        assert_eq!(name("2001:db8:1:2::1"), name("2001:db8:1:2:ffff::9"));
        assert_ne!(name("2001:db8:1:2::1"), name("2001:db8:1:3::1"));
    }

    #[test]
    fn counts_of_different_things_have_different_keys() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let address = "192.0.2.7".parse().unwrap();
        let gate = |guess, subject| Gate::new(guess, subject, address, now);
        let one = gate(Guess::Password, "a@b.example");
        assert_ne!(one.pair, gate(Guess::Factor, "a@b.example").pair);
        assert_ne!(one.pair, gate(Guess::Password, "c@b.example").pair);
        assert_eq!(one.network, gate(Guess::Factor, "c@b.example").network);
        let later = Gate::new(Guess::Password, "a@b.example", address, now + SignedDuration::from_hours(1));
        assert_eq!(one.pair, later.pair);
        assert!(one.network != later.network && one.account != later.account);
        let far = Gate::new(Guess::Password, "a@b.example", "198.51.100.1".parse().unwrap(), now);
        assert!(one.account == far.account && one.pair != far.pair);
    }
}
