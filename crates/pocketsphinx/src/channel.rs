//! The engine's idea of the channel: the mean of the cepstra, which it takes off every frame.
//!
//! The mean of one short answer ("yes") is mostly that answer itself: taken off, little is left to recognise. So utterances are decoded against the
//! model's own mean, and that mean is put back before each: what another caller's line sounded like must not colour this one.
//! In calls on a quiet line short answers were mostly wrong with the utterance's own mean, and right with the model's. In noise it is the other way round:
//! see [`crate::protocol::Request::own_mean`].

use std::ffi::{c_char, c_int};

use crate::SphinxError;
use crate::library::{Library, Raw};

/// The beginning of the engine's `feat_t`, as its header `sphinxbase/feat.h` (5prealpha) declares it.
#[repr(C)]
struct Features {
    refcount: c_int,
    name: *mut c_char,
    cepstrum_size: i32,
    streams: i32,
    stream_lengths: *mut u32,
    window_size: i32,
    subvectors: i32,
    subvector_lengths: *mut u32,
    subvector_specification: *mut *mut i32,
    subvector_buffer: *mut f32,
    subvector_size: i32,
    normalisation: c_int,
    variance: i32,
    gain: c_int,
    compute: *const Raw,
    mean: *mut Mean,
}

/// The engine's `cmn_t`, from `sphinxbase/cmn.h`.
#[repr(C)]
struct Mean {
    mean: *mut f32,
    variance: *mut f32,
    sum: *mut f32,
    frames: i32,
    length: i32,
}

/// The model's mean, kept to be put back.
pub(crate) struct Channel {
    mean: *mut Mean,
    initial: Vec<f32>,
}

impl Channel {
    /// Reads the mean that the model brought along. An engine whose structures look otherwise is refused.
    pub(crate) fn of(library: &Library, decoder: *mut Raw) -> Result<Self, SphinxError> {
        let unlike = || SphinxError::Library { detail: "its feature structures are not those of version 5prealpha".to_owned() };
        // SAFETY: a live decoder; the structure it returns belongs to it and has at least the fields of its header.
        let features = unsafe { (library.features)(decoder).cast::<Features>().as_ref() }.ok_or_else(unlike)?;
        if !(1..=64).contains(&features.cepstrum_size) {
            return Err(unlike());
        }
        // SAFETY: the size above was plausible, so the structure is the declared one, and its mean was made with it.
        let mean = unsafe { features.mean.as_ref() }.ok_or_else(unlike)?;
        if mean.length != features.cepstrum_size || mean.mean.is_null() {
            return Err(unlike());
        }
        let length = usize::try_from(mean.length).map_err(|_| unlike())?;
        // SAFETY: the engine allocates `length` values for the mean and fills them when it opens the model.
        let initial = unsafe { std::slice::from_raw_parts(mean.mean, length) }.to_vec();
        Ok(Self { mean: features.mean, initial })
    }

    /// Puts the model's mean back.
    pub(crate) fn reset(&self, library: &Library) {
        // SAFETY: the structure lives as long as the decoder, which owns this value; the vector has the length the engine reads.
        unsafe { (library.set_mean)(self.mean.cast(), self.initial.as_ptr()) }
    }
}
