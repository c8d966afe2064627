//! A Telnyx media socket: any lines, as messages, in any of its formats.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::{Codec, MediaFormat};

const FORMATS: [MediaFormat; 4] = [
    MediaFormat::PCMU_8K,
    MediaFormat { codec: Codec::Pcma, rate: 8000 },
    MediaFormat { codec: Codec::L16, rate: 8000 },
    MediaFormat { codec: Codec::L16, rate: 16000 },
];

fuzz_target!(|data: &[u8]| voicenoob_fuzz::media(call::Carrier::Telnyx, &FORMATS, data));
