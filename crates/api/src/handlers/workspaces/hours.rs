//! Opening hours: for each day of the week, from when to when.

use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use store::tenants;
use utoipa::ToSchema;

use crate::handlers::check::Check;

/// Most spans of one day.
const SPANS_MAX: usize = 8;
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// When there is somebody, in the workspace's time zone. A day without spans is closed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OpeningHours {
    #[schema(max_items = 8)]
    monday: Vec<Span>,
    #[schema(max_items = 8)]
    tuesday: Vec<Span>,
    #[schema(max_items = 8)]
    wednesday: Vec<Span>,
    #[schema(max_items = 8)]
    thursday: Vec<Span>,
    #[schema(max_items = 8)]
    friday: Vec<Span>,
    #[schema(max_items = 8)]
    saturday: Vec<Span>,
    #[schema(max_items = 8)]
    sunday: Vec<Span>,
}

/// From a time of the day to a later one; an end that is not later is on the next day.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    /// Hours and minutes.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "09:00")]
    from: String,
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "17:00")]
    to: String,
}

impl OpeningHours {
    /// As they are stored; notes every time that is none.
    pub(crate) fn checked(self, check: &mut Check) -> tenants::OpeningHours {
        let days = [self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday, self.sunday];
        let mut names = DAYS.iter();
        tenants::OpeningHours(days.map(|spans| {
            let day = names.next().copied().unwrap_or_default();
            if spans.len() > SPANS_MAX {
                check.wrong(format!("/opening_hours/{day}"), format!("must have at most {SPANS_MAX} spans"));
            }
            spans.iter().enumerate().map(|(index, span)| span.checked(&format!("/opening_hours/{day}/{index}"), check)).collect()
        }))
    }
}

impl Span {
    fn checked(&self, field: &str, check: &mut Check) -> tenants::Span {
        let mut time = |end: &str, text: &str| {
            clock_time(text).unwrap_or_else(|| {
                check.wrong(format!("{field}/{end}"), "must be a time of the day, hours and minutes, such as 09:00");
                Time::midnight()
            })
        };
        tenants::Span { from: time("from", &self.from), to: time("to", &self.to) }
    }
}

/// `09:00`, and nothing shorter, longer or later than 23:59.
fn clock_time(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| -> Option<i8> {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok())?
    };
    Time::new(two(hours)?, two(minutes)?, 0, 0).ok()
}

impl From<tenants::OpeningHours> for OpeningHours {
    fn from(hours: tenants::OpeningHours) -> Self {
        let text = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        let day = |spans: Vec<tenants::Span>| spans.into_iter().map(|span| Span { from: text(span.from), to: text(span.to) }).collect();
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = hours.0.map(day);
        Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_that_is_none_is_named_with_its_place() {
        let body = serde_json::json!({ "monday": [{ "from": "9:00", "to": "24:00" }], "sunday": [{ "from": "22:00", "to": "02:00" }] });
        let hours: OpeningHours = serde_json::from_value(body).unwrap();
        let mut check = Check::default();
        let stored = hours.checked(&mut check);
        let problem = check.done().unwrap_err();
        let fields: Vec<&str> = problem.errors.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["/opening_hours/monday/0/from", "/opening_hours/monday/0/to"]);
        assert_eq!(serde_json::to_value(OpeningHours::from(stored)).unwrap()["sunday"][0]["from"], "22:00");
    }
}
