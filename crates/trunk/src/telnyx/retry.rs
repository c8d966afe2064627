//! When a command is given again, and how long to wait before.

use std::time::Duration;

use super::answer::Fault;

/// Most repetitions of one command.
pub const MAX_RETRIES: u32 = 2;
/// Longest wait before the first repetition; it doubles with each.
pub const RETRY_BASE: Duration = Duration::from_millis(250);
/// Longest wait that we choose ourselves.
pub const RETRY_CAP: Duration = Duration::from_secs(2);
/// Longest wait that the carrier may ask for. Beyond it the command fails at once, and the error says how long it would have been.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3);

/// How long to wait before the command is given again; `None` when that would not help, or was tried often enough.
pub(super) fn delay(fault: &Fault, retries: u32, rng: &mut fastrand::Rng) -> Option<Duration> {
    if retries >= MAX_RETRIES {
        return None;
    }
    match fault {
        Fault::Throttled(Some(asked)) if *asked > MAX_RETRY_AFTER => None,
        // Never earlier than asked, and not all callers at the same moment.
        Fault::Throttled(Some(asked)) => Some(*asked + backoff(retries, rng)),
        // The command id makes it safe to repeat what may have been obeyed.
        Fault::Connection(_) | Fault::Timeout | Fault::Throttled(None) | Fault::Server(_) => Some(backoff(retries, rng)),
        Fault::Refused(_) | Fault::Ended | Fault::UnknownCall | Fault::Rejected { .. } | Fault::TooLong(_) | Fault::NotOurs(..) => None,
    }
}

/// Between half and the whole of the doubled wait: callers that failed together do not come back together.
fn backoff(retries: u32, rng: &mut fastrand::Rng) -> Duration {
    let whole = RETRY_BASE.saturating_mul(1 << retries.min(16)).min(RETRY_CAP);
    whole.mul_f64(0.5 + rng.f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_given_again_only_where_that_may_help() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut delay = |fault: &Fault, retries| super::delay(fault, retries, &mut rng);
        for fault in [Fault::Timeout, Fault::Server(503), Fault::Throttled(None)] {
            assert!((RETRY_BASE / 2..=RETRY_BASE).contains(&delay(&fault, 0).unwrap()), "{fault:?}");
            assert!((RETRY_BASE..=RETRY_BASE * 2).contains(&delay(&fault, 1).unwrap()), "{fault:?}");
            assert_eq!(delay(&fault, MAX_RETRIES), None, "{fault:?}");
        }
        let asked = Duration::from_secs(2);
        assert!((asked..=asked + RETRY_BASE).contains(&delay(&Fault::Throttled(Some(asked)), 0).unwrap()));
        assert_eq!(delay(&Fault::Throttled(Some(MAX_RETRY_AFTER + asked)), 0), None);
        for fault in [Fault::Refused(401), Fault::Ended, Fault::UnknownCall, Fault::TooLong(200), Fault::NotOurs(200, "x")] {
            assert_eq!(delay(&fault, 0), None, "{fault:?}");
        }
    }

    #[test]
    fn the_wait_is_capped() {
        let mut rng = fastrand::Rng::with_seed(1);
        assert!((0..100).all(|retries| backoff(retries, &mut rng) <= RETRY_CAP));
    }
}
