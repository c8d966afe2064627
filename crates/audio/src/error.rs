//! What can go wrong with sound: wrong rates, full queues, and WAV files that are not what they say.

/// Why audio was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The resampler knows only the rates of [`crate::resample::RATES`].
    #[error("cannot resample from {from} Hz to {to} Hz: use 8000, 16000, 22050, 24000, 44100 or 48000")]
    UnsupportedRates {
        /// Rate of the input in Hz.
        from: u32,
        /// Rate asked for in Hz.
        to: u32,
    },
    /// Voice activity works on telephone and wideband sound only.
    #[error("cannot detect speech at {rate} Hz: use 8000 or 16000, resample first")]
    UnsupportedActivityRate {
        /// Rate asked for in Hz.
        rate: u32,
    },
    /// The playout queue would hold more than [`crate::playout::MAX_QUEUED`].
    #[error("playout queue is full: {queued_ms} ms queued, {pushed_ms} ms more refused; wait until some has played")]
    PlayoutFull {
        /// What is queued, in milliseconds.
        queued_ms: u64,
        /// What was refused, in milliseconds.
        pushed_ms: u64,
    },
    /// The playout queue already holds [`crate::playout::MAX_MARKS`] marks.
    #[error("playout queue holds {queued} marks already, mark refused; wait until some have been sent")]
    TooManyMarks {
        /// Marks waiting.
        queued: usize,
    },
    /// These keys cannot be sent as tones.
    #[error("{count} keys cannot be sent as tones: send 1 to {limit} of 0-9, *, #, A-D, and w for a pause, at 8000 to 48000 Hz")]
    Keys {
        /// How many were given. Not which: they may be a secret.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The bytes do not start like a WAV file.
    #[error("not a wav file: no RIFF and WAVE at the start")]
    NotWav,
    /// The file ended, or its `data` chunk came, before a usable `fmt ` chunk.
    #[error("wav file has no complete fmt chunk before its data")]
    WavWithoutFormat,
    /// The file has no `data` chunk.
    #[error("wav file has no data chunk")]
    WavWithoutData,
    /// The samples are in a form this reader does not know.
    #[error("wav format {tag} with {bits} bits per sample is not supported: convert to 16-bit PCM or 8-bit G.711")]
    WavFormat {
        /// WAVE format tag: 1 is PCM, 6 A-law, 7 mu-law.
        tag: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// The channel count or the rate makes no sense for a call.
    #[error("wav file with {channels} channels at {rate} Hz is not supported: use 1 to 8 channels, 1000 to 192000 Hz")]
    WavShape {
        /// Channels in the header.
        channels: u16,
        /// Rate in the header, Hz.
        rate: u32,
    },
    /// The file holds more sound than [`crate::wav::MAX_SAMPLES`].
    #[error("wav file holds {samples} samples, more than the limit of {limit}: cut it")]
    WavTooLong {
        /// Samples over all channels.
        samples: usize,
        /// The limit.
        limit: usize,
    },
}
