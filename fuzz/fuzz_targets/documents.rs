//! Answer documents: any text is read or refused; what was read, and a carrier would take, is written and read back the same.
#![no_main]

use call::Carrier;
use libfuzzer_sys::fuzz_target;
use telephony::{Document, MAX_DOCUMENT_BYTES};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(document) = Document::parse(text) else { return };
    for carrier in [Carrier::Twilio, Carrier::Telnyx] {
        let Ok(written) = document.render(carrier) else { continue };
        assert!(written.len() <= MAX_DOCUMENT_BYTES);
        let read = Document::parse(&written);
        assert_eq!(read.as_ref().ok(), Some(&document), "{written}\n{read:?}");
    }
});
