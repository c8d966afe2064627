//! When a workspace answers calls.

use jiff::civil::{DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

/// The opening hours of a week, Monday first. A day without spans is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Week", into = "Week")]
pub struct OpeningHours(pub [Vec<Span>; 7]);

/// From an hour up to another, the latter not included. When `to` is not after `from`, it ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first minute.
    #[serde(with = "clock")]
    pub from: Time,
    /// The first minute after it.
    #[serde(with = "clock")]
    pub to: Time,
}

impl Span {
    fn crosses_midnight(&self) -> bool {
        self.to <= self.from
    }
}

impl OpeningHours {
    /// Whether it is open at this local time.
    pub fn is_open(&self, local: DateTime) -> bool {
        let (day, time) = (local.weekday(), local.time());
        let today = self.of(day).iter().any(|span| span.from <= time && (time < span.to || span.crosses_midnight()));
        today || self.of(day.previous()).iter().any(|span| span.crosses_midnight() && time < span.to)
    }

    fn of(&self, day: Weekday) -> &[Span] {
        // An offset is 0 to 6 and there are seven days.
        usize::try_from(day.to_monday_zero_offset()).ok().and_then(|index| self.0.get(index)).map_or(&[], Vec::as_slice)
    }
}

/// As it is written: by the names of the days.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Week {
    monday: Vec<Span>,
    tuesday: Vec<Span>,
    wednesday: Vec<Span>,
    thursday: Vec<Span>,
    friday: Vec<Span>,
    saturday: Vec<Span>,
    sunday: Vec<Span>,
}

impl Default for Week {
    fn default() -> Self {
        OpeningHours::default().into()
    }
}

impl From<Week> for OpeningHours {
    fn from(week: Week) -> Self {
        Self([week.monday, week.tuesday, week.wednesday, week.thursday, week.friday, week.saturday, week.sunday])
    }
}

impl From<OpeningHours> for Week {
    fn from(OpeningHours([monday, tuesday, wednesday, thursday, friday, saturday, sunday]): OpeningHours) -> Self {
        Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday }
    }
}

/// Times of day as hours and minutes, `09:00`.
mod clock {
    use jiff::civil::Time;
    use serde::{Deserialize as _, Deserializer, Serializer};

    const FORMAT: &str = "%H:%M";

    pub(super) fn serialize<S: Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&time.strftime(FORMAT))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || serde::de::Error::custom(format!("{text:?} is not a time of day such as 09:00"));
        if text.len() != "09:00".len() {
            return Err(wrong());
        }
        Time::strptime(FORMAT, &text).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;
    use serde_json::json;

    use super::*;

    fn hours() -> OpeningHours {
        let week = json!({
            "monday": [{"from": "09:00", "to": "12:30"}, {"from": "14:00", "to": "17:00"}],
            "saturday": [{"from": "22:00", "to": "02:00"}],
            "sunday": [{"from": "00:00", "to": "00:00"}],
        });
        serde_json::from_value(week).unwrap()
    }

    #[test]
    fn it_is_open_from_the_first_minute_up_to_the_last() {
        // 2026-01-05 is a Monday.
        for (hour, minute, open) in
            [(8, 59, false), (9, 0, true), (12, 29, true), (12, 30, false), (13, 0, false), (14, 0, true), (17, 0, false)]
        {
            assert_eq!(hours().is_open(datetime(2026, 1, 5, hour, minute, 0, 0)), open, "{hour}:{minute}");
        }
        assert!(!hours().is_open(datetime(2026, 1, 6, 10, 0, 0, 0)), "Tuesday has no hours");
    }

    #[test]
    fn hours_may_go_on_past_midnight() {
        let bar: OpeningHours = serde_json::from_value(json!({"friday": [{"from": "18:00", "to": "02:00"}]})).unwrap();
        for (day, hour, open) in [(9, 17, false), (9, 18, true), (9, 23, true), (10, 0, true), (10, 1, true), (10, 2, false), (9, 1, false)]
        {
            assert_eq!(bar.is_open(datetime(2026, 1, day, hour, 0, 0, 0)), open, "day {day} at {hour}");
        }
    }

    /// Sunday's span goes from midnight to midnight, which is the whole day, and it ends where Monday begins.
    #[test]
    fn midnight_to_midnight_is_the_whole_day() {
        for (day, hour, open) in [(4, 0, true), (4, 12, true), (4, 23, true), (5, 0, false)] {
            assert_eq!(hours().is_open(datetime(2026, 1, day, hour, 0, 0, 0)), open, "day {day} at {hour}");
        }
    }

    #[test]
    fn hours_are_written_by_the_names_of_the_days() {
        let written = serde_json::to_value(hours()).unwrap();
        assert_eq!(written["saturday"], json!([{"from": "22:00", "to": "02:00"}]));
        assert_eq!(written["tuesday"], json!([]));
        assert_eq!(serde_json::from_value::<OpeningHours>(written).unwrap(), hours());
    }

    #[test]
    fn what_is_not_a_week_is_refused() {
        for wrong in [
            json!({"someday": []}),
            json!({"monday": [{"from": "9:00", "to": "10:00"}]}),
            json!({"monday": [{"from": "09:00", "to": "24:00"}]}),
            json!({"monday": [{"from": "09:00", "to": "10:00", "why": 1}]}),
            json!({"monday": [{"from": "09:00"}]}),
        ] {
            assert!(serde_json::from_value::<OpeningHours>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
