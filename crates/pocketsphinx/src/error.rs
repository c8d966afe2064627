//! What can go wrong between us and the PocketSphinx library.

/// Errors of the decoder and its worker.
#[derive(Debug, thiserror::Error)]
pub enum SphinxError {
    /// The shared library is not on this machine, or lacks a function we use.
    #[error("the PocketSphinx library could not be opened ({detail}): install the Debian package libpocketsphinx3")]
    Library {
        /// What the dynamic loader said.
        detail: String,
    },
    /// The acoustic model or the dictionary was refused.
    #[error(
        "PocketSphinx refused the acoustic model {model} or the dictionary {dictionary}: install the Debian package pocketsphinx-en-us"
    )]
    Model {
        /// Folder of the acoustic model.
        model: String,
        /// Path of the dictionary.
        dictionary: String,
    },
    /// The language model file was refused.
    #[error("PocketSphinx refused the language model {path}: delete it, and it is trained again")]
    LanguageModel {
        /// Path of the language model.
        path: String,
    },
    /// A text for the library has a zero byte in it.
    #[error("{what} contains a zero byte")]
    ZeroByte {
        /// Which text.
        what: &'static str,
    },
    /// The library failed while it listened.
    #[error("PocketSphinx failed at {step}")]
    Decode {
        /// The step that failed.
        step: &'static str,
    },
    /// The other side of the pipe broke the protocol.
    #[error("broken message between the recogniser and its parent: {detail}")]
    Protocol {
        /// What was wrong.
        detail: String,
    },
    /// The pipe failed.
    #[error("the pipe between the recogniser and its parent failed")]
    Io(#[from] std::io::Error),
}
