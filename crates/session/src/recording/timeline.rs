//! Two sides of a call on one clock. The caller's audio is placed when it is heard, the agent's when it will be played.

/// Written in blocks of this length.
const BLOCK_MS: u64 = 1000;
/// The agent's audio is placed up to a lead ahead of time and may be cut; nothing younger than this is written.
const MARGIN_MS: u64 = 600;
/// A gap longer than this is not filled in one go: a clock that jumps must not fill the disk.
const MAX_GAP_MS: u64 = 120_000;
/// The caller's frames come with the network's jitter; the agent's times are our own.
const CALLER_SLACK_MS: u64 = 60;
const AGENT_SLACK_MS: u64 = 10;

/// Collects both sides until they are old enough to be written.
#[derive(Debug)]
pub(crate) struct Timeline {
    rate: u64,
    /// Time of the first sample that is not yet written, in samples.
    written: u64,
    caller: Vec<i16>,
    agent: Vec<i16>,
}

impl Timeline {
    #[cfg(test)]
    pub(crate) fn new(rate: u32) -> Self {
        Self::starting(rate, 0)
    }

    /// A timeline whose first sample is at this time on the call clock.
    pub(crate) fn starting(rate: u32, start_ms: u64) -> Self {
        let rate = u64::from(rate);
        Self { rate, written: start_ms * rate / 1000, caller: Vec::new(), agent: Vec::new() }
    }

    /// The place of the first sample that is not yet taken, in samples on the call clock.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn caller(&mut self, at_ms: u64, pcm: &[i16]) {
        let (at, max_gap, slack) = (self.sample(at_ms), self.sample(MAX_GAP_MS), self.sample(CALLER_SLACK_MS));
        place(&mut self.caller, self.written, at, pcm, max_gap, slack);
    }

    pub(crate) fn agent(&mut self, at_ms: u64, pcm: &[i16]) {
        let (at, max_gap, slack) = (self.sample(at_ms), self.sample(MAX_GAP_MS), self.sample(AGENT_SLACK_MS));
        place(&mut self.agent, self.written, at, pcm, max_gap, slack);
    }

    /// Takes back what was to be played after `at_ms`.
    pub(crate) fn cut_agent(&mut self, at_ms: u64) {
        let keep = self.sample(at_ms).saturating_sub(self.written);
        self.agent.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    }

    /// A block that is old enough, as interleaved little-endian bytes.
    pub(crate) fn take_ready(&mut self, now_ms: u64) -> Option<Vec<u8>> {
        let ready = self.sample(now_ms.saturating_sub(MARGIN_MS)).saturating_sub(self.written);
        (ready >= self.sample(BLOCK_MS)).then(|| self.take(ready.min(self.sample(MAX_GAP_MS))))
    }

    /// All that is left, up to now.
    pub(crate) fn take_rest(&mut self, now_ms: u64) -> Option<Vec<u8>> {
        let rest = self.sample(now_ms).saturating_sub(self.written).min(self.sample(MAX_GAP_MS));
        (rest > 0).then(|| self.take(rest))
    }

    fn take(&mut self, count: u64) -> Vec<u8> {
        self.written += count;
        let count = usize::try_from(count).unwrap_or(0);
        let mut bytes = Vec::with_capacity(count * 4);
        let (mut left, mut right) = (drain(&mut self.caller, count), drain(&mut self.agent, count));
        left.resize(count, 0);
        right.resize(count, 0);
        audio::wav::interleave(&left, &right, &mut bytes);
        bytes
    }

    fn sample(&self, ms: u64) -> u64 {
        ms * self.rate / 1000
    }
}

fn drain(side: &mut Vec<i16>, count: usize) -> Vec<i16> {
    side.drain(..count.min(side.len())).collect()
}

/// Puts audio at its time: a gap is silence, and small jitter (up to `slack`) is followed by joining on, so that speech is not torn.
fn place(side: &mut Vec<i16>, written: u64, at: u64, pcm: &[i16], max_gap: u64, slack: u64) {
    let end = written + side.len() as u64;
    if at > end + slack {
        let gap = (at - end).min(max_gap);
        side.resize(side.len() + usize::try_from(gap).unwrap_or(0), 0);
    } else if at + slack < end && side.len() as u64 >= end - at {
        // The clock of the far end runs fast: what is there already wins, the overlap is dropped.
        let overlap = usize::try_from(end - at).unwrap_or(usize::MAX);
        side.extend(pcm.get(overlap.min(pcm.len())..).unwrap_or_default());
        return;
    }
    side.extend(pcm);
}
