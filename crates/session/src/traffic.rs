//! Frames counted, told now and then.

use std::time::{Duration, Instant};

use telemetry::SessionFact;
use telephony::{MediaStream, StreamCounters};

/// Told this often.
const EVERY: Duration = Duration::from_secs(10);
/// Frames a second, 20 ms each.
const FRAMES_A_SECOND: u64 = 50;

/// Counts what goes over one stream.
#[derive(Debug)]
pub(crate) struct Traffic {
    told: StreamCounters,
    rate: u64,
    sent_samples: u64,
    late_samples: u64,
    due: Instant,
}

impl Traffic {
    /// From now on; what the stream counted before is not told again.
    pub(crate) fn new(stream: &dyn MediaStream, now: Instant) -> Self {
        let rate = u64::from(stream.format().map_or(8000, |format| format.rate.max(1)));
        Self { told: stream.counters(), rate, sent_samples: 0, late_samples: 0, due: now + EVERY }
    }

    /// Audio was sent; `late` when it left so late that the far end had run dry.
    pub(crate) fn sent(&mut self, samples: usize, late: bool) {
        self.sent_samples += samples as u64;
        self.late_samples += if late { samples as u64 } else { 0 };
    }

    /// When [`Self::take`] has something to tell.
    pub(crate) fn deadline(&self) -> Instant {
        self.due
    }

    /// What was counted since the last time.
    pub(crate) fn take(&mut self, stream: &dyn MediaStream, now: Instant) -> SessionFact<'static> {
        self.due = now + EVERY;
        let (new, old) = (stream.counters(), std::mem::replace(&mut self.told, stream.counters()));
        let since = |of: fn(&StreamCounters) -> u64| narrow(of(&new).saturating_sub(of(&old)));
        let (sent, late) = (self.frames(self.sent_samples), self.frames(self.late_samples));
        // What is less than a frame is told with the next one.
        self.sent_samples -= sent * self.rate / FRAMES_A_SECOND;
        self.late_samples -= late * self.rate / FRAMES_A_SECOND;
        SessionFact::Frames {
            received: since(|count| count.frames_in),
            sent: narrow(sent),
            late: since(|count| count.disordered).saturating_add(narrow(late)),
            dropped: since(|count| count.late + count.dropped),
        }
    }

    fn frames(&self, samples: u64) -> u64 {
        samples * FRAMES_A_SECOND / self.rate
    }
}

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_twice_and_nothing_is_lost() {
        let stream = telephony::media_stream(call::Carrier::Twilio, telephony::StreamOptions::default());
        let now = Instant::now();
        let mut traffic = Traffic::new(stream.as_ref(), now);
        traffic.sent(480, false);
        traffic.sent(240, true);
        let first = traffic.take(stream.as_ref(), now + EVERY);
        assert_eq!(first, SessionFact::Frames { received: 0, sent: 4, late: 1, dropped: 0 });
        traffic.sent(80, false);
        let second = traffic.take(stream.as_ref(), now + EVERY * 2);
        assert_eq!(second, SessionFact::Frames { received: 0, sent: 1, late: 0, dropped: 0 });
    }
}
