//! G.711, the telephone's 8-bit coding: mu-law (PCMU) and A-law (PCMA), by table.
//!
//! The tables are computed at compile time from the rules of ITU-T G.711 in the arithmetic of the G.191 reference
//! (negative samples by one's complement), so the results are bit-exact with it.

/// The mu-law byte for zero: what a silent line carries.
pub const ULAW_SILENCE: u8 = 0xFF;

/// The A-law byte nearest zero (A-law has no exact zero; this decodes to 8).
pub const ALAW_SILENCE: u8 = 0xD5;

/// The largest magnitude mu-law can carry; louder samples come out as this.
pub const ULAW_MAX: i16 = 32124;

static ULAW_DECODE: [i16; 256] = ulaw_decode_table();
static ALAW_DECODE: [i16; 256] = alaw_decode_table();
// Indexed by magnitude in the code's own resolution: 14 bits for mu-law, 12 bits for A-law. Small enough for L1.
static ULAW_ENCODE: [u8; 8192] = ulaw_encode_table();
static ALAW_ENCODE: [u8; 2048] = alaw_encode_table();

/// Decodes mu-law bytes and appends one sample for each.
pub fn decode_ulaw(bytes: &[u8], pcm: &mut Vec<i16>) {
    pcm.extend(bytes.iter().map(|&byte| ULAW_DECODE[usize::from(byte)]));
}

/// Decodes A-law bytes and appends one sample for each.
pub fn decode_alaw(bytes: &[u8], pcm: &mut Vec<i16>) {
    pcm.extend(bytes.iter().map(|&byte| ALAW_DECODE[usize::from(byte)]));
}

/// Encodes samples as mu-law and appends one byte for each.
pub fn encode_ulaw(pcm: &[i16], bytes: &mut Vec<u8>) {
    bytes.extend(pcm.iter().map(|&sample| {
        let (magnitude, sign) = split(sample);
        ULAW_ENCODE[usize::from(magnitude >> 2)] | sign
    }));
}

/// Encodes samples as A-law and appends one byte for each.
pub fn encode_alaw(pcm: &[i16], bytes: &mut Vec<u8>) {
    bytes.extend(pcm.iter().map(|&sample| {
        let (magnitude, sign) = split(sample);
        // A-law sends every second bit inverted, the sign bit included.
        ALAW_ENCODE[usize::from(magnitude >> 4)] ^ sign
    }));
}

/// The one's-complement magnitude (15 bits) and the sign bit, which G.711 sets for positive samples.
fn split(sample: i16) -> (u16, u8) {
    let mask = sample >> 15;
    ((sample ^ mask) as u16, if mask == 0 { 0x80 } else { 0 })
}

const fn ulaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let code = !(byte as u8);
        let exponent = (code >> 4) & 7;
        let mantissa = (code & 0x0F) as i32;
        // The segment grid is shifted by 132; a value sits in the middle of its step.
        let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
        table[byte] = if code & 0x80 == 0 { magnitude as i16 } else { -magnitude as i16 };
        byte += 1;
    }
    table
}

const fn alaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let code = (byte as u8) ^ 0x55;
        let exponent = (code >> 4) & 7;
        let mantissa = ((code & 0x0F) as i32) << 4;
        let magnitude = if exponent == 0 { mantissa + 8 } else { (mantissa + 0x108) << (exponent - 1) };
        table[byte] = if code & 0x80 == 0 { -magnitude as i16 } else { magnitude as i16 };
        byte += 1;
    }
    table
}

const fn ulaw_encode_table() -> [u8; 8192] {
    let mut table = [0; 8192];
    let mut index = 0;
    while index < 8192 {
        let biased = if index + 33 > 0x1FFF { 0x1FFF } else { index as u32 + 33 };
        let exponent = 26 - biased.leading_zeros();
        let mantissa = (biased >> (exponent + 1)) & 0x0F;
        table[index] = !((exponent << 4) | mantissa) as u8 & 0x7F;
        index += 1;
    }
    table
}

const fn alaw_encode_table() -> [u8; 2048] {
    let mut table = [0; 2048];
    let mut index = 0;
    while index < 2048 {
        let value = index as u32;
        let exponent = if value < 16 { 0 } else { 28 - value.leading_zeros() };
        let mantissa = if exponent == 0 { value } else { (value >> (exponent - 1)) & 0x0F };
        table[index] = (((exponent << 4) | mantissa) as u8) ^ 0x55;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ulaw(sample: i16) -> u8 {
        let mut bytes = Vec::new();
        encode_ulaw(&[sample], &mut bytes);
        bytes[0]
    }

    fn alaw(sample: i16) -> u8 {
        let mut bytes = Vec::new();
        encode_alaw(&[sample], &mut bytes);
        bytes[0]
    }

    #[test]
    fn known_codes_of_the_standard() {
        assert_eq!(ulaw(0), ULAW_SILENCE);
        assert_eq!(ulaw(i16::MAX), 0x80);
        assert_eq!(ulaw(i16::MIN), 0x00);
        assert_eq!(ulaw(-1), 0x7F);
        assert_eq!(ULAW_DECODE[0x80], ULAW_MAX);
        assert_eq!(ULAW_DECODE[0x00], -ULAW_MAX);
        assert_eq!(ULAW_DECODE[0xFE], 8);
        assert_eq!(alaw(0), ALAW_SILENCE);
        assert_eq!(alaw(i16::MAX), 0xAA);
        assert_eq!(alaw(i16::MIN), 0x2A);
        assert_eq!(ALAW_DECODE[0xD5], 8);
        assert_eq!(ALAW_DECODE[0x55], -8);
        assert_eq!(ALAW_DECODE[0xAA], 32256);
    }

    #[test]
    fn every_byte_survives_decode_and_encode() {
        for byte in 0..=255_u8 {
            // Mu-law has a negative zero, which comes back as the positive one: the same sound.
            let wanted = if byte == 0x7F { ULAW_SILENCE } else { byte };
            assert_eq!(ulaw(ULAW_DECODE[usize::from(byte)]), wanted);
            assert_eq!(alaw(ALAW_DECODE[usize::from(byte)]), byte);
        }
    }

    #[test]
    fn louder_in_is_never_softer_out() {
        let mut last = (i16::MIN, i16::MIN);
        for sample in i16::MIN..=i16::MAX {
            let now = (ULAW_DECODE[usize::from(ulaw(sample))], ALAW_DECODE[usize::from(alaw(sample))]);
            assert!(now.0 >= last.0 && now.1 >= last.1, "{sample}");
            last = now;
        }
    }

    proptest! {
        #[test]
        fn error_stays_within_half_a_step(sample: i16) {
            let wide = i32::from(sample);
            let clipped = wide.clamp(-32635, 32635);
            let error = (clipped - i32::from(ULAW_DECODE[usize::from(ulaw(sample))])).abs();
            // Steps grow with the segment: at most 1/16 of the biased magnitude, so half of it is 1/32.
            prop_assert!(error <= (clipped.abs() + 132) / 32 + 1, "mu-law {sample}: {error}");
            let error = (wide - i32::from(ALAW_DECODE[usize::from(alaw(sample))])).abs();
            prop_assert!(error <= (wide.abs() / 32).max(8) + 1, "A-law {sample}: {error}");
        }

        #[test]
        fn any_bytes_decode_to_as_many_samples(bytes: Vec<u8>) {
            let mut pcm = vec![7];
            decode_ulaw(&bytes, &mut pcm);
            decode_alaw(&bytes, &mut pcm);
            prop_assert_eq!(pcm.len(), 1 + 2 * bytes.len());
            prop_assert_eq!(pcm[0], 7, "appends, never overwrites");
        }
    }
}
