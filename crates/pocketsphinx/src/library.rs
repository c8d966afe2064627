//! The C functions we use, looked up at run time.

use std::ffi::{c_char, c_int, c_void};
use std::sync::OnceLock;

use libloading::os::unix::{Library as Handle, RTLD_GLOBAL, RTLD_NOW};

use crate::SphinxError;

/// Opaque C objects. They are only ever handled by pointer.
pub(crate) type Raw = c_void;

/// The functions of `libpocketsphinx.so.3` and `libsphinxbase.so.3` (version 5prealpha), with the signatures of its headers.
pub(crate) struct Library {
    pub(crate) parse_arguments: unsafe extern "C" fn(*mut Raw, *const Raw, i32, *mut *mut c_char, i32) -> *mut Raw,
    pub(crate) free_arguments: unsafe extern "C" fn(*mut Raw) -> c_int,
    pub(crate) logmath_exp: unsafe extern "C" fn(*mut Raw, c_int) -> f64,
    pub(crate) definitions: unsafe extern "C" fn() -> *const Raw,
    pub(crate) init: unsafe extern "C" fn(*mut Raw) -> *mut Raw,
    pub(crate) free: unsafe extern "C" fn(*mut Raw) -> c_int,
    pub(crate) logmath: unsafe extern "C" fn(*mut Raw) -> *mut Raw,
    pub(crate) set_lm_file: unsafe extern "C" fn(*mut Raw, *const c_char, *const c_char) -> c_int,
    pub(crate) set_search: unsafe extern "C" fn(*mut Raw, *const c_char) -> c_int,
    pub(crate) unset_search: unsafe extern "C" fn(*mut Raw, *const c_char) -> c_int,
    pub(crate) start_stream: unsafe extern "C" fn(*mut Raw) -> c_int,
    pub(crate) start_utt: unsafe extern "C" fn(*mut Raw) -> c_int,
    pub(crate) process_raw: unsafe extern "C" fn(*mut Raw, *const i16, usize, c_int, c_int) -> c_int,
    pub(crate) end_utt: unsafe extern "C" fn(*mut Raw) -> c_int,
    pub(crate) get_hyp: unsafe extern "C" fn(*mut Raw, *mut i32) -> *const c_char,
    pub(crate) get_prob: unsafe extern "C" fn(*mut Raw) -> i32,
    pub(crate) get_n_frames: unsafe extern "C" fn(*mut Raw) -> c_int,
    pub(crate) seg_iter: unsafe extern "C" fn(*mut Raw) -> *mut Raw,
    pub(crate) seg_next: unsafe extern "C" fn(*mut Raw) -> *mut Raw,
    pub(crate) seg_word: unsafe extern "C" fn(*mut Raw) -> *const c_char,
    pub(crate) seg_frames: unsafe extern "C" fn(*mut Raw, *mut c_int, *mut c_int),
    pub(crate) seg_prob: unsafe extern "C" fn(*mut Raw, *mut i32, *mut i32, *mut i32) -> i32,
    pub(crate) features: unsafe extern "C" fn(*mut Raw) -> *mut Raw,
    pub(crate) set_mean: unsafe extern "C" fn(*mut Raw, *const f32),
    // Kept open for the life of the process: the pointers above lead into them.
    _sphinxbase: Handle,
    _pocketsphinx: Handle,
}

impl Library {
    /// The library, opened at the first call and kept for the life of the process.
    pub(crate) fn get() -> Result<&'static Self, SphinxError> {
        static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
        LIBRARY
            .get_or_init(|| Self::open().map_err(|e| e.to_string()))
            .as_ref()
            .map_err(|detail| SphinxError::Library { detail: detail.clone() })
    }

    fn open() -> Result<Self, libloading::Error> {
        // SAFETY: opening runs the initialisers of two well-known libraries, which have none of their own.
        // Global symbols, so that the second finds the functions of the first.
        let (base, sphinx) = unsafe {
            let base = Handle::open(Some("libsphinxbase.so.3"), RTLD_NOW | RTLD_GLOBAL)?;
            (base, Handle::open(Some("libpocketsphinx.so.3"), RTLD_NOW)?)
        };
        // SAFETY: each type above is the C declaration of the function of that name in the headers of 5prealpha, whose
        // binary interface the version 3 of the file name stands for.
        unsafe {
            Ok(Self {
                parse_arguments: *base.get(b"cmd_ln_parse_r\0")?,
                free_arguments: *base.get(b"cmd_ln_free_r\0")?,
                logmath_exp: *base.get(b"logmath_exp\0")?,
                definitions: *sphinx.get(b"ps_args\0")?,
                init: *sphinx.get(b"ps_init\0")?,
                free: *sphinx.get(b"ps_free\0")?,
                logmath: *sphinx.get(b"ps_get_logmath\0")?,
                set_lm_file: *sphinx.get(b"ps_set_lm_file\0")?,
                set_search: *sphinx.get(b"ps_set_search\0")?,
                unset_search: *sphinx.get(b"ps_unset_search\0")?,
                start_stream: *sphinx.get(b"ps_start_stream\0")?,
                start_utt: *sphinx.get(b"ps_start_utt\0")?,
                process_raw: *sphinx.get(b"ps_process_raw\0")?,
                end_utt: *sphinx.get(b"ps_end_utt\0")?,
                get_hyp: *sphinx.get(b"ps_get_hyp\0")?,
                get_prob: *sphinx.get(b"ps_get_prob\0")?,
                get_n_frames: *sphinx.get(b"ps_get_n_frames\0")?,
                seg_iter: *sphinx.get(b"ps_seg_iter\0")?,
                seg_next: *sphinx.get(b"ps_seg_next\0")?,
                seg_word: *sphinx.get(b"ps_seg_word\0")?,
                seg_frames: *sphinx.get(b"ps_seg_frames\0")?,
                seg_prob: *sphinx.get(b"ps_seg_prob\0")?,
                features: *sphinx.get(b"ps_get_feat\0")?,
                set_mean: *base.get(b"cmn_live_set\0")?,
                _sphinxbase: base,
                _pocketsphinx: sphinx,
            })
        }
    }
}
