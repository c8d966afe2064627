//! The thread that writes recordings.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::Receiver;

use call::CallId;
use tracing::error;

use super::Order;

/// Bytes before the samples.
const HEADER_BYTES: u64 = 44;
/// Bytes of one sample of both sides.
const FRAME_BYTES: u32 = 4;

struct Open {
    file: File,
    rate: u32,
    data_bytes: u32,
}

/// Works off orders until the last sender is gone.
pub(super) fn run(inbox: &Receiver<Order>) {
    let mut open: HashMap<CallId, Open> = HashMap::new();
    while let Ok(order) = inbox.recv() {
        match order {
            Order::Append { call, path, rate, at, bytes } => {
                if let Err(fault) = append(&mut open, call, &path, rate, at, &bytes) {
                    error!(call.id = %call, error = %fault, "recording not written: check the disk under the data directory");
                    open.remove(&call);
                }
            }
            Order::Length { path, rate, length } => {
                let samples = match File::open(&path).and_then(|mut file| data_bytes(&mut file, rate)) {
                    Ok(bytes) => u64::from(bytes / FRAME_BYTES),
                    Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => 0,
                    Err(fault) => {
                        error!(error = %fault, "a resumed call's recording cannot be gone on with");
                        0
                    }
                };
                let _ = length.send(samples); // As below.
            }
            Order::Close { call, done } => {
                open.remove(&call);
                let _ = done.send(()); // Nobody waits any more: nothing to tell.
            }
        }
    }
}

fn append(open: &mut HashMap<CallId, Open>, call: CallId, path: &Path, rate: u32, at: u64, bytes: &[u8]) -> std::io::Result<()> {
    let entry = match open.entry(call) {
        std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::hash_map::Entry::Vacant(place) => place.insert(go_on(path, rate)?),
    };
    // A gap becomes silence that takes no room on the disk; what would lie before the end is put behind it: nothing recorded is overwritten.
    let start = u32::try_from(at.saturating_mul(u64::from(FRAME_BYTES))).unwrap_or(u32::MAX).max(entry.data_bytes);
    if start > entry.data_bytes {
        entry.file.set_len(HEADER_BYTES + u64::from(start))?;
    }
    entry.file.seek(SeekFrom::Start(HEADER_BYTES + u64::from(start)))?;
    entry.file.write_all(bytes)?;
    entry.data_bytes = start.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    // The header follows the audio: at every moment it promises no more than there is.
    entry.file.seek(SeekFrom::Start(0))?;
    entry.file.write_all(&audio::wav::header(2, entry.rate, entry.data_bytes))
}

/// Opens a call's file at its end, or makes it.
fn go_on(path: &Path, rate: u32) -> std::io::Result<Open> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() == 0 {
        file.write_all(&audio::wav::header(2, rate, 0))?;
        return Ok(Open { file, rate, data_bytes: 0 });
    }
    let data_bytes = data_bytes(&mut file, rate)?;
    // A process that was killed may have left audio behind what its header promises.
    file.set_len(HEADER_BYTES + u64::from(data_bytes))?;
    Ok(Open { file, rate, data_bytes })
}

/// The length that a file's header promises; an error when it is not one of ours at this rate.
fn data_bytes(file: &mut File, rate: u32) -> std::io::Result<u32> {
    let mut header = [0; HEADER_BYTES as usize];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut header)?;
    let promised = header.last_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    if header == audio::wav::header(2, rate, promised) {
        return Ok(promised);
    }
    Err(std::io::Error::other(format!("the file there is no recording of two channels at {rate} samples a second")))
}
