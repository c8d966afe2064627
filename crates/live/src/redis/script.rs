//! The scripts: one for each step that must not be seen half done.

use std::sync::LazyLock;

use redis::{Arg, Cmd, Script as Hashed};

/// A script, known to the server by its hash.
pub(super) struct Script {
    code: &'static str,
    hash: String,
    /// Done twice, it does no harm: the second time finds what the first time did.
    pub(super) again: bool,
}

impl Script {
    fn new(code: &'static str, again: bool) -> Self {
        Self { code, hash: Hashed::new(code).get_hash().to_owned(), again }
    }

    /// The command that runs it by its hash; `key` decides which server of a cluster runs it. Arguments follow.
    pub(super) fn by_hash(&self, key: &str) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.hash).arg(1).arg(key);
        command
    }

    /// The same command with the text of the script, for a server that does not know it (any more). It does then.
    pub(super) fn by_text(&self, by_hash: &Cmd) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(self.code);
        for argument in by_hash.args_iter().skip(2) {
            if let Arg::Simple(bytes) = argument {
                command.arg(bytes);
            }
        }
        command
    }
}

/// Declares the scripts with the files they are put together from.
macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident: $again:expr, [$($file:literal),+];)+) => {
        /// All of them.
        pub(super) struct Scripts {
            $($(#[$doc])* pub(super) $name: Script,)+
        }

        /// Hashed once.
        pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
            $($name: Script::new(concat!($(include_str!(concat!("lua/", $file, ".lua")), "\n"),+), $again),)+
        });
    };
}

scripts! {
    /// Heartbeat: renews, clears the dead.
    beat: false, ["clock", "keys", "permits", "queue", "instances", "beat"];
    /// An instance goes in order.
    leave: true, ["clock", "keys", "permits", "queue", "instances", "leave"];
    /// Instances whose lease runs.
    instances: true, ["clock", "keys", "permits", "queue", "list_instances"];
    /// Enters a call.
    register: true, ["register"];
    /// Takes a call out.
    unregister: false, ["unregister"];
    /// How many calls.
    count: true, ["clock", "count"];
    /// A call lost its stream.
    interrupt: false, ["clock", "keys", "permits", "queue", "instances", "interrupt"];
    /// Enters calls as open for resume.
    recover: true, ["clock", "keys", "permits", "queue", "instances", "recover"];
    /// Takes permits.
    admit: true, ["clock", "keys", "permits", "room", "admit_at_once", "queue", "serve", "admit"];
    /// Enters a permit without asking.
    hold: true, ["clock", "keys", "permits", "queue", "hold"];
    /// Gives permits back.
    release: false, ["clock", "keys", "permits", "release_at_once", "queue", "release"];
    /// A caller begins to wait.
    enqueue: true, ["clock", "keys", "enqueue_new", "permits", "queue", "enqueue"];
    /// Grants places.
    serve: false, ["clock", "keys", "permits", "room", "queue", "serve", "serve_queue"];
    /// Grants and commands.
    inbox: false, ["clock", "keys", "permits", "queue", "inbox"];
    /// A grant is taken up.
    take_up: false, ["clock", "keys", "permits", "queue", "take_up"];
    /// The first caller is taken.
    dequeue: false, ["clock", "keys", "dequeue_first", "permits", "queue", "dequeue"];
    /// What was taken is served.
    confirm: false, ["clock", "keys", "permits", "queue", "confirm"];
    /// Some entries in order.
    peek: true, ["clock", "keys", "permits", "queue", "peek"];
    /// How many wait.
    depth: true, ["clock", "keys", "permits", "queue", "depth"];
    /// Where callers stand.
    places: true, ["clock", "keys", "permits", "queue", "places"];
    /// Numbers.
    stats: true, ["clock", "keys", "permits", "queue", "stats"];
    /// A caller leaves.
    remove: false, ["clock", "keys", "permits", "queue", "remove"];
    /// All leave.
    clear: false, ["clock", "keys", "permits", "queue", "clear"];
    /// A command for an instance.
    send: false, ["clock", "send"];
    /// Writes, reads back, removes.
    check: true, ["check"];
    /// Counts who asks.
    rate: false, ["clock", "rate"];
    /// Keeps a phrase.
    keep_phrase: true, ["clock", "phrases", "keep_phrase"];
    /// Forgets a phrase.
    forget_phrase: true, ["clock", "phrases", "forget_phrase"];
}
