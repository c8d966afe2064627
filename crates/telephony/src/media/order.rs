//! The place of audio frames by chunk number, for a carrier that sends them in order (Twilio).

use super::RESYNC_AFTER;

/// Where a frame belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is next, after so many missing ones.
    Next { lost: u64 },
    /// It was there already, or its place has passed.
    Behind,
}

/// Follows the chunk numbers of one track. The first number may be anything.
#[derive(Debug, Default)]
pub(crate) struct ChunkOrder {
    expected: Option<u64>,
    behind_in_a_row: u32,
}

impl ChunkOrder {
    /// Places a frame. A frame without a number is taken as the next one.
    pub(crate) fn place(&mut self, chunk: Option<u64>) -> Place {
        let Some(chunk) = chunk else { return Place::Next { lost: 0 } };
        match self.expected {
            Some(expected) if chunk < expected => {
                self.behind_in_a_row += 1;
                if self.behind_in_a_row < RESYNC_AFTER {
                    return Place::Behind;
                }
                self.follow(chunk, 0)
            }
            Some(expected) => self.follow(chunk, chunk - expected),
            None => self.follow(chunk, 0),
        }
    }

    fn follow(&mut self, chunk: u64, lost: u64) -> Place {
        self.expected = Some(chunk.saturating_add(1));
        self.behind_in_a_row = 0;
        Place::Next { lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_lost_and_repeats_are_behind() {
        let mut order = ChunkOrder::default();
        assert_eq!(order.place(Some(7)), Place::Next { lost: 0 });
        assert_eq!(order.place(Some(8)), Place::Next { lost: 0 });
        assert_eq!(order.place(Some(8)), Place::Behind);
        assert_eq!(order.place(Some(11)), Place::Next { lost: 2 });
        assert_eq!(order.place(Some(9)), Place::Behind);
        assert_eq!(order.place(None), Place::Next { lost: 0 });
        assert_eq!(order.place(Some(12)), Place::Next { lost: 0 });
    }

    #[test]
    fn a_wild_number_does_not_leave_the_call_deaf() {
        let mut order = ChunkOrder::default();
        order.place(Some(u64::MAX));
        for chunk in 1..u64::from(RESYNC_AFTER) {
            assert_eq!(order.place(Some(chunk)), Place::Behind);
        }
        assert_eq!(order.place(Some(50)), Place::Next { lost: 0 });
        assert_eq!(order.place(Some(51)), Place::Next { lost: 0 });
    }
}
