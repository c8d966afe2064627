//! The thread that writes recordings.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::Receiver;

use call::CallId;
use tracing::error;

use super::Order;

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
            Order::Append { call, path, rate, bytes } => {
                if let Err(fault) = append(&mut open, call, &path, rate, &bytes) {
                    error!(call.id = %call, error = %fault, "recording not written: check the disk under the data directory");
                    open.remove(&call);
                }
            }
            Order::Close { call, done } => {
                open.remove(&call);
                let _ = done.send(()); // Nobody waits any more: nothing to tell.
            }
        }
    }
}

fn append(open: &mut HashMap<CallId, Open>, call: CallId, path: &Path, rate: u32, bytes: &[u8]) -> std::io::Result<()> {
    let entry = match open.entry(call) {
        std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::hash_map::Entry::Vacant(place) => place.insert(create(path, rate)?),
    };
    entry.file.seek(SeekFrom::End(0))?;
    entry.file.write_all(bytes)?;
    entry.data_bytes = entry.data_bytes.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    // The header follows the audio: at every moment it promises no more than there is.
    entry.file.seek(SeekFrom::Start(0))?;
    entry.file.write_all(&audio::wav::header(2, entry.rate, entry.data_bytes))
}

fn create(path: &Path, rate: u32) -> std::io::Result<Open> {
    let mut file = File::create(path)?;
    file.write_all(&audio::wav::header(2, rate, 0))?;
    Ok(Open { file, rate, data_bytes: 0 })
}
