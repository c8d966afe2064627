//! What the system knows about this process, under the names every Prometheus client uses.
//!
//! Read from `/proc` at each scrape (proc(5)). What cannot be read, as on another system, is absent.

use std::fs;

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// The entry of the auxiliary vector that holds the clock ticks in a second (getauxval(3)).
const AT_CLKTCK: usize = 17;

/// The process as the system sees it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Process {
    /// Processor time, user and system, seconds.
    cpu_seconds: Option<f64>,
    /// Memory in use, bytes.
    resident_bytes: Option<u64>,
    /// Address space, bytes.
    virtual_bytes: Option<u64>,
    /// Start, Unix seconds.
    started: Option<f64>,
    threads: Option<u64>,
    open_files: Option<u64>,
    most_files: Option<u64>,
}

/// The fields of `/proc/self/stat` that we show.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    start_ticks: u64,
    virtual_bytes: u64,
}

impl Process {
    /// As it is now.
    pub(super) fn read() -> Self {
        let stat = read("/proc/self/stat").as_deref().and_then(stat);
        let ticks = fs::read("/proc/self/auxv").ok().as_deref().and_then(ticks_a_second);
        let boot = read("/proc/stat").as_deref().and_then(|text| number_after(text, "btime "));
        Self {
            cpu_seconds: stat.as_ref().zip(ticks).map(|(stat, ticks)| stat.cpu_ticks as f64 / ticks),
            resident_bytes: read("/proc/self/status").as_deref().and_then(|text| number_after(text, "VmRSS:")).map(|kib| kib * 1024),
            virtual_bytes: stat.as_ref().map(|stat| stat.virtual_bytes),
            started: stat.as_ref().zip(ticks).zip(boot).map(|((stat, ticks), boot)| boot as f64 + stat.start_ticks as f64 / ticks),
            threads: stat.as_ref().map(|stat| stat.threads),
            open_files: open_files(),
            most_files: read("/proc/self/limits").as_deref().and_then(|text| number_after(text, "Max open files")),
        }
    }

    /// Registers what is known.
    pub(super) fn register(&self, registry: &mut Registry) {
        if let Some(seconds) = self.cpu_seconds {
            registry.register("process_cpu_seconds", "Processor time of the process, user and system", ConstCounter::new(seconds));
        }
        if let Some(started) = self.started {
            registry.register("process_start_time_seconds", "Start of the process, Unix time", ConstGauge::new(started));
        }
        let whole = [
            ("process_resident_memory_bytes", "Memory in use", self.resident_bytes),
            ("process_virtual_memory_bytes", "Address space", self.virtual_bytes),
            ("process_open_fds", "Open files and sockets", self.open_files),
            ("process_max_fds", "Files and sockets that may be open", self.most_files),
            ("process_threads", "Threads of the process", self.threads),
        ];
        for (name, help, value) in whole {
            if let Some(value) = value {
                registry.register(name, help, ConstGauge::new(value));
            }
        }
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Open descriptors, without the one of this very listing.
fn open_files() -> Option<u64> {
    let listed = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(listed).ok()?.checked_sub(1)
}

/// The first number after `name`, whatever blanks are in between.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let (_, rest) = text.split_once(name)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The program's name stands in brackets and may hold anything, brackets too: fields are counted after the last one.
fn stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // proc(5) counts from 1 and has the state, our first, as field 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat { cpu_ticks: field(14)? + field(15)?, threads: field(20)?, start_ticks: field(22)?, virtual_bytes: field(23)? })
}

/// Clock ticks in a second: pairs of machine words, kind and value.
fn ticks_a_second(vector: &[u8]) -> Option<f64> {
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8]| bytes.try_into().map(usize::from_ne_bytes).ok();
    let mut pairs = vector.chunks_exact(2 * WORD);
    let value = pairs.find(|pair| word(&pair[..WORD]) == Some(AT_CLKTCK)).and_then(|pair| word(&pair[WORD..]))?;
    (value > 0).then_some(value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_may_hold_brackets_and_blanks() {
        let line = "77 (a) b (c) S 1 77 77 0 -1 4194304 99 0 0 0 31 11 0 0 20 0 9 0 1310481 3133440 380 18446744073709551615 1 1";
        assert_eq!(stat(line), Some(Stat { cpu_ticks: 42, threads: 9, start_ticks: 1_310_481, virtual_bytes: 3_133_440 }));
        assert_eq!(stat("77 (short) S 1"), None);
        assert_eq!(stat(""), None);
    }

    #[test]
    fn ticks_are_found_among_the_pairs() {
        let vector: Vec<u8> = [6, 4096, AT_CLKTCK, 250, 0, 0].into_iter().flat_map(usize::to_ne_bytes).collect();
        assert_eq!(ticks_a_second(&vector), Some(250.0));
        assert_eq!(ticks_a_second(&vector[..20]), None);
    }

    #[test]
    fn a_limit_without_a_number_is_absent() {
        let limits = "Max open files            1024                 524288               files     \n";
        assert_eq!(number_after(limits, "Max open files"), Some(1024));
        assert_eq!(number_after("Max open files            unlimited            unlimited", "Max open files"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_seen_as_it_is() {
        let before = Process::read();
        let held: Vec<_> = (0..20).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        let after = Process::read();
        // Other tests of this process may open and close files at the same time.
        assert!(after.open_files.unwrap() >= 20 + 3, "{after:?}");
        assert!(after.most_files > after.open_files, "{after:?}");
        assert!(before.resident_bytes.unwrap() > 1024 * 1024 && before.resident_bytes < before.virtual_bytes, "{before:?}");
        assert!(after.cpu_seconds >= before.cpu_seconds && after.threads.unwrap() >= 1);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - before.started.unwrap();
        assert!((-2.0..3600.0).contains(&age), "{age} s old");
        drop(held);
    }
}
