//! WebSocket frames (RFC 6455, section 5), as little of them as the bare echo and the load generator need.

use anyhow::bail;

/// A text message.
pub(super) const TEXT: u8 = 0x1;
/// The far end closes.
pub(super) const CLOSE: u8 = 0x8;
/// Asks for a sign of life.
pub(super) const PING: u8 = 0x9;
/// The sign of life.
pub(super) const PONG: u8 = 0xA;

/// Longest payload that is read: the server's own limit for a message.
pub(super) const MAX_PAYLOAD: usize = telephony::MAX_MESSAGE_BYTES;

/// The first bytes of a frame, and where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// What kind.
    pub(super) opcode: u8,
    /// Key of a client's payload.
    pub(super) mask: Option<[u8; 4]>,
    /// Where the payload begins.
    pub(super) payload: usize,
    /// Where the frame ends.
    pub(super) end: usize,
}

impl Frame {
    /// The frame at the front of `bytes`; `None` while it is not complete. Fragmented messages are an error: neither side sends them.
    pub(super) fn first(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if first & 0x80 == 0 || first & 0x70 != 0 {
            bail!("a fragmented or extended WebSocket frame ({first:#04x}) came; neither side here sends such");
        }
        let (length, after) = match (second & 0x7F, rest) {
            (126, [high, low, ..]) => (usize::from(u16::from_be_bytes([*high, *low])), 4),
            (127, [0, 0, 0, 0, a, b, c, d, ..]) => (u32::from_be_bytes([*a, *b, *c, *d]) as usize, 10),
            (127, rest) if rest.len() >= 8 => (usize::MAX, 10),
            (126 | 127, _) => return Ok(None),
            (short, _) => (usize::from(short), 2),
        };
        if length > MAX_PAYLOAD {
            bail!("a WebSocket frame of {length} bytes came, the limit is {MAX_PAYLOAD}");
        }
        let masked = second & 0x80 != 0;
        let payload = after + if masked { 4 } else { 0 };
        let end = payload + length;
        if bytes.len() < end {
            return Ok(None);
        }
        let mask = masked.then(|| [bytes[after], bytes[after + 1], bytes[after + 2], bytes[after + 3]]);
        Ok(Some(Self { opcode: first & 0x0F, mask, payload, end }))
    }

    /// Takes the mask off in place and hands out the payload.
    pub(super) fn open<'a>(&self, bytes: &'a mut [u8]) -> &'a [u8] {
        let payload = &mut bytes[self.payload..self.end];
        if let Some(key) = self.mask {
            mask(payload, key);
        }
        payload
    }
}

/// Appends a whole frame; a client gives a key.
pub(super) fn write(opcode: u8, payload: &[u8], key: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let masked = if key.is_some() { 0x80 } else { 0 };
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..126 => out.push(masked | short as u8),
        middle @ 126..0x1_0000 => {
            out.push(masked | 126);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            out.push(masked | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    if let Some(key) = key {
        out.extend_from_slice(&key);
    }
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = key {
        mask(&mut out[start..], key);
    }
}

/// Puts the mask on, or takes it off.
fn mask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6455, section 5.7.
    #[test]
    fn the_examples_of_the_standard_are_read_and_written() {
        let plain = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        for (key, mut bytes) in [(None, plain.to_vec()), (Some([0x37, 0xfa, 0x21, 0x3d]), masked.to_vec())] {
            let mut written = Vec::new();
            write(TEXT, b"Hello", key, &mut written);
            assert_eq!(written, bytes);
            let frame = Frame::first(&bytes).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.mask, frame.end), (TEXT, key, bytes.len()));
            assert_eq!(frame.open(&mut bytes), b"Hello");
        }
    }

    #[test]
    fn every_length_comes_back_and_no_part_of_a_frame_is_taken_for_a_whole_one() {
        for length in [0, 1, 7, 8, 125, 126, 127, 400, 65_535, MAX_PAYLOAD] {
            let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut bytes = Vec::new();
            write(TEXT, &payload, Some([1, 2, 3, 250]), &mut bytes);
            for cut in [0, 1, 2, 5, 9, bytes.len() - 1] {
                assert_eq!(Frame::first(&bytes[..cut.min(bytes.len() - 1)]).unwrap(), None, "{length} cut at {cut}");
            }
            let end = bytes.len();
            bytes.extend_from_slice(&[0x81, 0x00]);
            let frame = Frame::first(&bytes).unwrap().unwrap();
            assert_eq!(frame.end, end);
            assert_eq!(frame.open(&mut bytes), payload);
        }
    }

    #[test]
    fn what_is_too_long_or_in_pieces_is_refused() {
        let mut bytes = Vec::new();
        write(TEXT, &vec![0; MAX_PAYLOAD + 1], None, &mut bytes);
        assert!(Frame::first(&bytes).unwrap_err().to_string().contains("the limit is"));
        assert!(Frame::first(&[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]).is_err());
        assert!(Frame::first(&[0x01, 0x00]).unwrap_err().to_string().contains("fragmented"));
    }
}
