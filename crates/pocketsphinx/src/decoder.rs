//! A safe decoder: one acoustic model and dictionary, several language models, one utterance at a time.

use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr;

use serde::{Deserialize, Serialize};

use crate::SphinxError;
use crate::channel::Channel;
use crate::library::{Library, Raw};

/// Samples a second the acoustic model was trained on.
pub const SAMPLE_RATE: u32 = 16_000;

/// Settings of the engine beside the model's own. The values were chosen by measurement on telephone audio (see the speech crate's docs).
const SETTINGS: &[(&str, &str)] = &[
    ("-logfn", "/dev/null"),
    // The caller's pauses are cut by the parent; the engine's own silence removal eats soft word beginnings.
    ("-remove_silence", "no"),
];

/// What was heard in an utterance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// Path score in the engine's log domain; only good for comparison on the same audio.
    pub score: i32,
    /// Posterior probability of the whole path, 0 to 1.
    pub probability: f64,
    /// 10 ms frames searched.
    pub frames: u32,
    /// Words and fillers in order of time.
    pub segments: Vec<Segment>,
}

impl Hypothesis {
    /// The words with single spaces, without fillers.
    #[must_use]
    pub fn text(&self) -> String {
        self.segments.iter().filter(|segment| segment.is_word()).map(|segment| segment.word.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// One word or filler (`<s>`, `</s>`, `<sil>`, `[NOISE]`) in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The word, without the mark of an alternative pronunciation.
    pub word: String,
    /// First 10 ms frame.
    pub start: u32,
    /// Last 10 ms frame.
    pub end: u32,
    /// Posterior probability, 0 to 1.
    pub probability: f64,
    /// Acoustic score in the engine's log domain, relative to the best sound the search looked at in each frame.
    pub acoustic: i32,
    /// Language score in the engine's log domain.
    pub language: i32,
}

impl Segment {
    /// Whether this is a word, not silence or noise.
    #[must_use]
    pub fn is_word(&self) -> bool {
        !self.word.starts_with(['<', '['])
    }
}

/// A decoder. Not shared between threads.
pub struct Decoder {
    library: &'static Library,
    raw: *mut Raw,
    arguments: *mut Raw,
    channel: Channel,
    // The engine keeps pointers into the argument texts.
    _texts: Vec<CString>,
    _single_thread: PhantomData<*mut ()>,
}

impl Decoder {
    /// Opens the decoder with an acoustic model (a folder) and a pronouncing dictionary (a file, in the format of cmudict).
    ///
    /// # Errors
    /// [`SphinxError::Library`] when the library is missing, [`SphinxError::Model`] when it refuses the files.
    pub fn open(model: &Path, dictionary: &Path) -> Result<Self, SphinxError> {
        let library = Library::get()?;
        let (model, dictionary) = (model.to_string_lossy().into_owned(), dictionary.to_string_lossy().into_owned());
        let mut texts = vec![text("program name", "pocketsphinx")?];
        for (name, value) in [("-hmm", model.as_str()), ("-dict", dictionary.as_str())].iter().chain(SETTINGS) {
            texts.push(text("option", name)?);
            texts.push(text("option value", value)?);
        }
        let mut pointers: Vec<*mut c_char> = texts.iter().map(|t| t.as_ptr().cast_mut()).collect();
        let count = i32::try_from(pointers.len()).unwrap_or(i32::MAX);
        // SAFETY: the pointers lead to zero-terminated texts that live as long as the decoder; the engine does not write to them.
        let arguments = unsafe { (library.parse_arguments)(ptr::null_mut(), (library.definitions)(), count, pointers.as_mut_ptr(), 1) };
        let refused = || SphinxError::Model { model: model.clone(), dictionary: dictionary.clone() };
        if arguments.is_null() {
            return Err(refused());
        }
        // SAFETY: `arguments` is a live argument object; the decoder takes its own reference to it.
        let raw = unsafe { (library.init)(arguments) };
        if raw.is_null() {
            // SAFETY: our reference is the only one left, and it is not used after this.
            unsafe { (library.free_arguments)(arguments) };
            return Err(refused());
        }
        let channel = Channel::of(library, raw).inspect_err(|_| {
            // SAFETY: both objects are live, ours, and not used after this.
            unsafe {
                (library.free)(raw);
                (library.free_arguments)(arguments);
            }
        })?;
        Ok(Self { library, raw, arguments, channel, _texts: texts, _single_thread: PhantomData })
    }

    /// Loads a language model (ARPA or binary file) under a name.
    ///
    /// # Errors
    /// [`SphinxError::LanguageModel`] when the file is missing or broken.
    pub fn add_search(&mut self, name: &str, language_model: &Path) -> Result<(), SphinxError> {
        let path = language_model.to_string_lossy().into_owned();
        let (name, file) = (text("search name", name)?, text("language model path", &path)?);
        // SAFETY: a live decoder and two zero-terminated texts, which the engine copies.
        let code = unsafe { (self.library.set_lm_file)(self.raw, name.as_ptr(), file.as_ptr()) };
        if code == 0 { Ok(()) } else { Err(SphinxError::LanguageModel { path }) }
    }

    /// Gives a language model's memory back. The search of the last decode must not be the one removed.
    ///
    /// # Errors
    /// [`SphinxError::Decode`] when the engine does not know the name.
    pub fn remove_search(&mut self, name: &str) -> Result<(), SphinxError> {
        let name = text("search name", name)?;
        // SAFETY: a live decoder and a zero-terminated text.
        step("unloading a language model", unsafe { (self.library.unset_search)(self.raw, name.as_ptr()) })
    }

    /// Recognises one utterance (mono, 16 kHz) with a search added before. `None` when nothing could be made of it.
    ///
    /// # Errors
    /// [`SphinxError::Decode`] when the engine fails.
    pub fn decode(&mut self, search: &str, pcm: &[i16], own_mean: bool) -> Result<Option<Hypothesis>, SphinxError> {
        let name = text("search name", search)?;
        let library = self.library;
        self.channel.reset(library);
        // SAFETY: a live decoder, a zero-terminated text, and samples that outlive the call, with their true number.
        unsafe {
            step("choosing the language model", (library.set_search)(self.raw, name.as_ptr()))?;
            // A new stream: noise and loudness estimates of another caller must not colour this utterance.
            step("starting the stream", (library.start_stream)(self.raw))?;
            step("starting the utterance", (library.start_utt)(self.raw))?;
            // Given as a whole utterance, its own mean is taken; given as a piece, the one set before (see `channel`).
            let processed = (library.process_raw)(self.raw, pcm.as_ptr(), pcm.len(), 0, c_int::from(own_mean));
            step("ending the utterance", (library.end_utt)(self.raw))?;
            step("searching", processed.min(0))?;
        }
        self.hypothesis()
    }

    fn hypothesis(&mut self) -> Result<Option<Hypothesis>, SphinxError> {
        let mut score = 0;
        // SAFETY: a live decoder after an ended utterance; the text belongs to the decoder and is not kept.
        let heard = unsafe { !(self.library.get_hyp)(self.raw, &raw mut score).is_null() };
        if !heard {
            return Ok(None);
        }
        // SAFETY: as above; probability must be asked before the segments, it fills in the posteriors.
        let (probability, frames) = unsafe { ((self.library.get_prob)(self.raw), (self.library.get_n_frames)(self.raw)) };
        let probability = self.linear(probability);
        Ok(Some(Hypothesis { score, probability, frames: u32::try_from(frames).unwrap_or(0), segments: self.segments() }))
    }

    fn segments(&mut self) -> Vec<Segment> {
        let mut segments = Vec::new();
        // SAFETY: a live decoder after an ended utterance.
        let mut at = unsafe { (self.library.seg_iter)(self.raw) };
        while !at.is_null() {
            let (mut start, mut end, mut acoustic, mut language, mut back) = (0, 0, 0, 0, 0);
            // SAFETY: `at` is a live iterator; its word belongs to the decoder's dictionary and is copied here.
            // `seg_next` frees the iterator at the end and returns null, so it is never used after being freed.
            let (word, probability) = unsafe {
                (self.library.seg_frames)(at, &raw mut start, &raw mut end);
                let probability = (self.library.seg_prob)(at, &raw mut acoustic, &raw mut language, &raw mut back);
                let word = (self.library.seg_word)(at);
                let word = if word.is_null() { String::new() } else { CStr::from_ptr(word).to_string_lossy().into_owned() };
                at = (self.library.seg_next)(at);
                (word, probability)
            };
            let word = word.split('(').next().unwrap_or_default().to_owned();
            let (start, end) = (u32::try_from(start).unwrap_or(0), u32::try_from(end).unwrap_or(0));
            segments.push(Segment { word, start, end, probability: self.linear(probability), acoustic, language });
        }
        segments
    }

    /// From the engine's integer logarithm to a probability.
    fn linear(&self, log: i32) -> f64 {
        // SAFETY: a live decoder owns the logarithm table that is asked.
        unsafe { (self.library.logmath_exp)((self.library.logmath)(self.raw), log) }.clamp(0.0, 1.0)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: both are live and ours, and nothing uses them after this. The decoder goes first, it refers to the arguments.
        unsafe {
            (self.library.free)(self.raw);
            (self.library.free_arguments)(self.arguments);
        }
    }
}

fn text(what: &'static str, value: &str) -> Result<CString, SphinxError> {
    CString::new(value).map_err(|_| SphinxError::ZeroByte { what })
}

fn step(step: &'static str, code: i32) -> Result<(), SphinxError> {
    if code < 0 { Err(SphinxError::Decode { step }) } else { Ok(()) }
}
