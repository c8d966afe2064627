//! How behaviour is ordered in one line of text: `deepgram=stall:3@0.1`.

use crate::{SimulatorError, Trouble, Vendor};

/// The word for every vendor.
const ALL: &str = "all";

/// Whom an order is for, and the rest of it: `deepgram=...`, `all=...`.
pub fn parse_order(order: &str) -> Result<(Vec<Vendor>, &str), SimulatorError> {
    let (name, rest) = order.split_once('=').ok_or_else(|| wrong(order, "it has the form VENDOR=..."))?;
    if name == ALL {
        return Ok((Vendor::ALL.to_vec(), rest));
    }
    let known = || Vendor::ALL.iter().map(|vendor| vendor.as_str()).chain([ALL]).collect::<Vec<_>>().join(", ");
    let vendor = Vendor::parse(name).ok_or_else(|| SimulatorError::UnknownVendor { name: name.to_owned(), known: known() })?;
    Ok((vec![vendor], rest))
}

impl Trouble {
    /// Reads `kind[:value][@share]`: the trouble, and the part of requests it is made for. Values: seconds of `too_many`, the status of
    /// `unavailable`, milliseconds of `slow_first`, the pieces before `stall`, `cut`, `malformed` and `error`.
    pub fn parse(order: &str) -> Result<(Self, f64), SimulatorError> {
        let (what, share) = order.split_once('@').map_or((order, None), |(what, share)| (what, Some(share)));
        let share = share.map_or(Ok(1.0), str::parse).ok().filter(|share| (0.0..=1.0).contains(share));
        let share = share.ok_or_else(|| wrong(order, "the share after @ is a number from 0 to 1"))?;
        let (kind, value) = what.split_once(':').map_or((what, None), |(kind, value)| (kind, Some(value)));
        let number = value.map(str::parse::<u32>).transpose().map_err(|_| wrong(order, "the value after : is a whole number"))?;
        let after = number.unwrap_or_default();
        let trouble = match (kind, number) {
            ("wrong_key", None) => Self::WrongKey,
            ("silent", None) => Self::Silent,
            ("too_many", seconds) => Self::TooMany { retry_after: seconds.map(u64::from) },
            ("unavailable", status) => {
                Self::Unavailable { status: status_of(status).ok_or_else(|| wrong(order, "a status is from 500 to 599"))? }
            }
            ("slow_first", Some(ms)) => Self::SlowFirst { ms: ms.into() },
            ("slow_first", None) => return Err(wrong(order, "say how late: slow_first:MS")),
            ("stall", _) => Self::Stall { after },
            ("cut", _) => Self::Cut { after },
            ("malformed", _) => Self::Malformed { after },
            ("error", _) => Self::Error { after },
            ("wrong_key" | "silent", Some(_)) => return Err(wrong(order, "this trouble has no value")),
            _ => {
                let kinds = "wrong_key, too_many, unavailable, silent, slow_first, stall, cut, malformed, error";
                return Err(wrong(order, &format!("there are these troubles: {kinds}")));
            }
        };
        Ok((trouble, share))
    }
}

fn status_of(number: Option<u32>) -> Option<u16> {
    u16::try_from(number.unwrap_or(503)).ok().filter(|status| (500..600).contains(status))
}

fn wrong(order: &str, why: &str) -> SimulatorError {
    SimulatorError::Order { order: order.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read() {
        let table = [
            ("wrong_key", Trouble::WrongKey, 1.0),
            ("too_many", Trouble::TooMany { retry_after: None }, 1.0),
            ("too_many:7@0.5", Trouble::TooMany { retry_after: Some(7) }, 0.5),
            ("unavailable", Trouble::Unavailable { status: 503 }, 1.0),
            ("unavailable:529", Trouble::Unavailable { status: 529 }, 1.0),
            ("silent@0.1", Trouble::Silent, 0.1),
            ("slow_first:2500", Trouble::SlowFirst { ms: 2500 }, 1.0),
            ("stall", Trouble::Stall { after: 0 }, 1.0),
            ("cut:3@1", Trouble::Cut { after: 3 }, 1.0),
            ("malformed:2", Trouble::Malformed { after: 2 }, 1.0),
            ("error:4", Trouble::Error { after: 4 }, 1.0),
        ];
        for (order, trouble, share) in table {
            assert_eq!(Trouble::parse(order).unwrap(), (trouble, share), "{order}");
        }
        assert_eq!(parse_order("riva=cut:1").unwrap(), (vec![Vendor::Riva], "cut:1"));
        assert_eq!(parse_order("all=20").unwrap().0.len(), Vendor::ALL.len());
    }

    #[test]
    fn an_order_that_is_wrong_says_what_is_right() {
        for order in ["", "stal", "stall:x", "stall:1@2", "stall@", "slow_first", "unavailable:404", "silent:3", "cut:-1"] {
            assert!(Trouble::parse(order).is_err(), "{order}");
        }
        assert!(parse_order("deepgram").is_err());
        assert!(parse_order("deepgramm=1").unwrap_err().to_string().contains("elevenlabs"));
    }
}
