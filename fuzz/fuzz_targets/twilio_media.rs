//! A Twilio media socket: any lines, as messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::MediaFormat;

fuzz_target!(|data: &[u8]| voicenoob_fuzz::media(call::Carrier::Twilio, &[MediaFormat::PCMU_8K], data));
