//! Our files against an independent reader, its files against ours, and files that are wrong in the usual ways.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn file(channels: u16, rate: u32, pcm: &[i16]) -> Vec<u8> {
    let mut bytes = header(channels, rate, pcm.len() as u32 * 2).to_vec();
    bytes.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

#[test]
fn an_independent_reader_hears_both_sides_of_a_recording() {
    let mut data = Vec::new();
    interleave(&[1, 2, 3], &[-1], &mut data);
    let mut bytes = header(2, 8000, data.len() as u32).to_vec();
    bytes.extend_from_slice(&data);
    let mut judge = hound::WavReader::new(Cursor::new(&bytes)).unwrap();
    assert_eq!(judge.spec().channels, 2);
    assert_eq!(judge.spec().sample_rate, 8000);
    let heard: Vec<i16> = judge.samples().map(Result::unwrap).collect();
    assert_eq!(heard, [1, -1, 2, 0, 3, 0]);
    assert_eq!(read(&bytes).unwrap(), Clip { channels: 2, rate: 8000, pcm: heard });
}

#[test]
fn files_of_an_independent_writer_are_read() {
    let spec = hound::WavSpec { channels: 1, sample_rate: 22_050, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    (0..500_i16).for_each(|sample| writer.write_sample(sample * 3).unwrap());
    writer.finalize().unwrap();
    let clip = read(&bytes.into_inner()).unwrap();
    assert_eq!((clip.channels, clip.rate, clip.pcm.len(), clip.pcm[499]), (1, 22_050, 500, 1497));
}

#[test]
fn a_file_written_to_a_pipe_is_read_to_its_end() {
    // espeak-ng leaves 0x7FFFF000, others all ones or zero in both sizes.
    for placeholder in [0xFFFF_FFFF_u32, 0x7FFF_F000, 0] {
        let mut bytes = file(1, 8000, &[4, 5, 6]);
        bytes[4..8].copy_from_slice(&placeholder.to_le_bytes());
        bytes[40..44].copy_from_slice(&placeholder.to_le_bytes());
        assert_eq!(read(&bytes).unwrap().pcm, [4, 5, 6], "{placeholder:x}");
    }
}

#[test]
fn an_empty_recording_with_notes_behind_it_is_empty() {
    let mut bytes = file(1, 8000, &[]);
    bytes.extend_from_slice(b"LIST\x04\0\0\0INFO");
    bytes[4..8].copy_from_slice(&48_u32.to_le_bytes());
    assert_eq!(read(&bytes).unwrap().pcm, []);
}

#[test]
fn a_recording_cut_off_by_a_crash_keeps_its_whole_frames() {
    let mut bytes = file(2, 8000, &[1, 2, 3, 4]);
    bytes.pop();
    assert_eq!(read(&bytes).unwrap().pcm, [1, 2]);
}

#[test]
fn chunks_before_the_sound_are_passed_over() {
    let whole = file(1, 16_000, &[9, -9]);
    let mut bytes = whole[..36].to_vec();
    bytes.extend_from_slice(b"fact\x03\0\0\0abc\0");
    bytes.extend_from_slice(&whole[36..]);
    assert_eq!(read(&bytes).unwrap().pcm, [9, -9]);
}

#[test]
fn telephone_coding_is_decoded() {
    let mut bytes = file(1, 8000, &[]);
    bytes[20] = 7;
    bytes[34] = 8;
    bytes[40] = 3;
    bytes.extend_from_slice(&[0xFF, 0x80, 0x00]);
    assert_eq!(read(&bytes).unwrap().pcm, [0, 32124, -32124]);
}

#[test]
fn what_cannot_be_read_says_why() {
    assert_eq!(read(b"ID3 mp3 and so on"), Err(AudioError::NotWav));
    assert_eq!(read(&file(1, 8000, &[])[..36]), Err(AudioError::WavWithoutData));
    assert_eq!(read(&file(1, 8000, &[])[..30]), Err(AudioError::WavWithoutFormat));
    assert_eq!(read(&file(9, 8000, &[1])), Err(AudioError::WavShape { channels: 9, rate: 8000 }));
    assert_eq!(read(&file(1, 0, &[1])), Err(AudioError::WavShape { channels: 1, rate: 0 }));
    let mut float = file(1, 8000, &[1]);
    (float[20], float[34]) = (3, 32);
    assert_eq!(read(&float), Err(AudioError::WavFormat { tag: 3, bits: 32 }));
}

#[test]
fn a_clip_longer_than_the_limit_is_refused_before_decoding() {
    // One byte of A-law per sample keeps the test's own memory small.
    let mut bytes = header(1, 8000, u32::MAX).to_vec();
    (bytes[20], bytes[34]) = (6, 8);
    bytes.resize(44 + MAX_SAMPLES + 1, 0xD5);
    assert_eq!(read(&bytes), Err(AudioError::WavTooLong { samples: MAX_SAMPLES + 1, limit: MAX_SAMPLES }));
}

#[test]
fn stereo_becomes_mono_at_the_rate_of_the_call() {
    let clip = Clip { channels: 2, rate: 16_000, pcm: [1000, 3000].repeat(1600) };
    let mono = clip.mono_at(8000).unwrap();
    assert_eq!(mono.len(), 800);
    assert_eq!(mono[400], 2000);
    assert!(Clip { rate: 11_025, ..clip }.mono_at(8000).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(noise: Vec<u8>) {
        let _ = read(&noise);
    }

    #[test]
    fn any_damage_to_a_header_is_read_or_refused(
        damage in prop::collection::vec((0_usize..48, any::<u8>()), 0..6),
        cut in 0_usize..60,
    ) {
        let mut bytes = file(2, 8000, &[1, 2, 3, 4, 5, 6, 7, 8]);
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        if let Ok(clip) = read(&bytes) {
            prop_assert_eq!(clip.pcm.len() % usize::from(clip.channels), 0);
        }
    }

    #[test]
    fn what_was_written_is_read(pcm: Vec<i16>, rate in 1000_u32..192_000) {
        prop_assert_eq!(read(&file(1, rate, &pcm)).unwrap(), Clip { channels: 1, rate, pcm });
    }
}
