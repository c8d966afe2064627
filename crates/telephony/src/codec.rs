//! How the samples of a media stream are written: codec, rate, byte order.

use audio::g711;
use call::Carrier;

use crate::error::StreamError;

/// How a sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 mu-law, one byte per sample.
    Pcmu,
    /// G.711 A-law, one byte per sample.
    Pcma,
    /// Linear 16-bit, two bytes per sample; see [`ByteOrder`].
    L16,
}

impl Codec {
    /// The name Telnyx uses in documents and in `start`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::L16 => "L16",
        }
    }

    /// Reads a carrier's name of a codec: today's names and those of older pages (telnyx.md 1.2), in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let short = name.get(..6).filter(|head| head.eq_ignore_ascii_case("audio/")).map_or(name, |head| &name[head.len()..]);
        let is = |known: &[&str]| known.iter().any(|known| short.eq_ignore_ascii_case(known));
        if is(&["PCMU", "x-mulaw", "mulaw"]) {
            Some(Self::Pcmu)
        } else if is(&["PCMA", "x-alaw", "alaw"]) {
            Some(Self::Pcma)
        } else if is(&["L16"]) {
            Some(Self::L16)
        } else {
            None
        }
    }

    /// Bytes of one sample on the wire.
    pub const fn bytes_per_sample(self) -> usize {
        match self {
            Self::Pcmu | Self::Pcma => 1,
            Self::L16 => 2,
        }
    }
}

/// Which byte of a 16-bit sample comes first on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByteOrder {
    /// Low byte first: what field reports say of Telnyx. Unverified (telnyx.md 7), therefore a setting.
    #[default]
    Little,
    /// High byte first, as RTP L16 has it (RFC 3551).
    Big,
}

/// What a media stream carries in both directions. Always one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MediaFormat {
    /// How a sample is written.
    pub codec: Codec,
    /// Samples per second.
    pub rate: u32,
}

/// What each carrier may send, for error messages.
const fn supported(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Twilio => "audio/x-mulaw at 8000 Hz, one channel",
        Carrier::Telnyx => "PCMU or PCMA at 8000 Hz, L16 at 8000 or 16000 Hz, one channel",
    }
}

impl MediaFormat {
    /// Telephone audio: the only format of Twilio, the default of Telnyx.
    pub const PCMU_8K: Self = Self { codec: Codec::Pcmu, rate: 8000 };

    /// True when this carrier streams the format and we read and write it.
    pub const fn is_supported_by(self, carrier: Carrier) -> bool {
        match carrier {
            Carrier::Twilio => matches!((self.codec, self.rate), (Codec::Pcmu, 8000)),
            Carrier::Telnyx => matches!((self.codec, self.rate), (Codec::Pcmu | Codec::Pcma, 8000) | (Codec::L16, 8000 | 16000)),
        }
    }

    /// Reads the format that a carrier announces in `start`.
    pub(crate) fn announced(carrier: Carrier, encoding: &str, rate: u32, channels: u32) -> Result<Self, StreamError> {
        Codec::from_name(encoding)
            .map(|codec| Self { codec, rate })
            .filter(|format| channels == 1 && format.is_supported_by(carrier))
            .ok_or_else(|| StreamError::UnsupportedFormat {
                encoding: encoding.chars().take(64).collect(),
                rate,
                channels,
                supported: supported(carrier),
            })
    }

    /// The carrier's name of this format's encoding in `start`.
    pub(crate) const fn wire_name(self, carrier: Carrier) -> &'static str {
        match carrier {
            Carrier::Twilio => "audio/x-mulaw",
            Carrier::Telnyx => self.codec.as_str(),
        }
    }

    /// Appends `pcm` to `bytes` as it goes over the wire.
    pub(crate) fn encode(self, order: ByteOrder, pcm: &[i16], bytes: &mut Vec<u8>) {
        match (self.codec, order) {
            (Codec::Pcmu, _) => g711::encode_ulaw(pcm, bytes),
            (Codec::Pcma, _) => g711::encode_alaw(pcm, bytes),
            (Codec::L16, ByteOrder::Little) => bytes.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes())),
            (Codec::L16, ByteOrder::Big) => bytes.extend(pcm.iter().flat_map(|sample| sample.to_be_bytes())),
        }
    }

    /// Appends what came over the wire to `pcm`. An odd number of bytes of 16-bit audio is an error.
    pub(crate) fn decode(self, order: ByteOrder, bytes: &[u8], pcm: &mut Vec<i16>) -> Result<(), StreamError> {
        match self.codec {
            Codec::Pcmu => g711::decode_ulaw(bytes, pcm),
            Codec::Pcma => g711::decode_alaw(bytes, pcm),
            Codec::L16 => {
                let (pairs, rest) = bytes.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(StreamError::OddPayload { bytes: bytes.len() });
                }
                match order {
                    ByteOrder::Little => pcm.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair))),
                    ByteOrder::Big => pcm.extend(pairs.iter().map(|pair| i16::from_be_bytes(*pair))),
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_names_of_a_codec_are_read() {
        for name in ["PCMU", "audio/PCMU", "audio/x-mulaw", "AUDIO/X-MULAW", "pcmu"] {
            assert_eq!(Codec::from_name(name), Some(Codec::Pcmu), "{name}");
        }
        assert_eq!(Codec::from_name("audio/x-alaw"), Some(Codec::Pcma));
        assert_eq!(Codec::from_name("audio/L16"), Some(Codec::L16));
        for name in ["", "audio/", "OPUS", "PCMU2", "äudio/PCMU"] {
            assert_eq!(Codec::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn twilio_sends_mulaw_only() {
        assert!(MediaFormat::announced(Carrier::Twilio, "audio/x-mulaw", 8000, 1).is_ok());
        for (encoding, rate, channels) in [("audio/x-mulaw", 16000, 1), ("audio/x-mulaw", 8000, 2), ("L16", 16000, 1), ("PCMA", 8000, 1)] {
            let refused = MediaFormat::announced(Carrier::Twilio, encoding, rate, channels);
            assert!(refused.is_err_and(|error| error.is_fatal()), "{encoding} {rate} {channels}");
        }
        assert!(MediaFormat::announced(Carrier::Telnyx, "L16", 16000, 1).is_ok());
        assert!(MediaFormat::announced(Carrier::Telnyx, "PCMU", 16000, 1).is_err());
    }

    #[test]
    fn byte_order_decides_what_a_sample_means() {
        let format = MediaFormat { codec: Codec::L16, rate: 16000 };
        let mut pcm = Vec::new();
        format.decode(ByteOrder::Little, &[0x01, 0x80], &mut pcm).unwrap();
        format.decode(ByteOrder::Big, &[0x01, 0x80], &mut pcm).unwrap();
        assert_eq!(pcm, [-32767, 0x0180]);
        assert!(matches!(format.decode(ByteOrder::Big, &[1, 2, 3], &mut pcm), Err(StreamError::OddPayload { bytes: 3 })));
    }
}
