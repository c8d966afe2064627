//! The end of a session: what is told, stored and freed, in which order.

use std::time::Instant;

use telemetry::SessionFact;
use tracing::error;

use crate::recording::Track;
use crate::run::{Session, now};
use crate::setup::{Ending, end};
use crate::socket::MediaSocket;
use crate::tools::TOOL_LIMIT;

/// What a call used is stored within this time, or not.
const BILL_LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

impl<S: MediaSocket> Session<S> {
    /// Frees everything. A call that is over frees its socket first, because a caller may wait behind it; a call that may go on first
    /// stores where it stands, because whoever takes it up reads that the moment the socket closes.
    pub(crate) async fn shut(mut self, ending: &Ending) {
        let now = now();
        if !ending.is_last() {
            self.leave(now).await;
        }
        let on_end = std::mem::replace(&mut self.on_end, Box::new(|_| Box::pin(std::future::ready(()))));
        end(&mut self.socket, on_end, ending).await;
        self.listener.cancel();
        self.cut(now);
        let ms = self.clock_ms(now);
        self.tell_of_the_line(now);
        close(self.track.take(), ms).await;
        // An effect that is under way is finished and recorded, or the next start would find it pending.
        while let Ok(Some(done)) = tokio::time::timeout(TOOL_LIMIT, self.tools.join_next()).await {
            if let Err(fault) = done {
                error!(error = %fault, "a tool's task broke down");
            }
        }
        self.bill().await;
        self.services.recorder.fact(SessionFact::Ended { why: ending.why, turns: self.journal.count(), ms });
        self.journal.close(ending.is_last()).await;
    }

    /// Stores what this part of the call used, and what that cost.
    async fn bill(&mut self) {
        let used = (self.services.price)(&self.meter.usage());
        if used.is_empty() {
            return;
        }
        match tokio::time::timeout(BILL_LIMIT, self.services.records.save_usage(self.call.id, &used)).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => error!(error = %fault, "what the call used is not stored"),
            Err(_) => error!(limit = ?BILL_LIMIT, "what the call used is not stored: the database did not answer in time"),
        }
    }

    /// Stores where the call stands, for whoever takes it up.
    async fn leave(&mut self, now: Instant) {
        self.cut(now);
        self.save(now);
        let ms = self.clock_ms(now);
        let track = self.track.take();
        tokio::join!(self.journal.flush(), close(track, ms));
    }

    fn cut(&mut self, now: Instant) {
        let heard = self.speaker.cut(now);
        self.finish_turn(Some(heard), now);
    }

    fn tell_of_the_line(&mut self, now: Instant) {
        let line = self.listener.level();
        let recorder = &self.services.recorder;
        recorder.fact(SessionFact::Line { rms_dbfs: line.rms_dbfs, peak_dbfs: line.peak_dbfs, clipped: line.clipped });
        if self.lost_frames > 0 {
            recorder.fact(SessionFact::FramesLost { n: self.lost_frames });
        }
        recorder.fact(self.traffic.take(self.stream.as_ref(), now));
    }
}

async fn close(track: Option<Track>, ms: u64) {
    if let Some(mut track) = track {
        track.cut_agent(ms);
        track.close(ms).await;
    }
}
