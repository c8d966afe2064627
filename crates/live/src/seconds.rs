//! How lists show times: as seconds with a fraction.

use std::time::Duration;

use serde::{Serialize, Serializer};

pub(crate) fn write<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    time.as_secs_f64().serialize(serializer)
}

pub(crate) fn write_known<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}
