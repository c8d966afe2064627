//! The ledger of heard audio: what was sent to be spoken, and what of it the caller has really heard.
//!
//! Each piece of speech is followed by a mark. A mark that comes back proves that its piece was played, unless the far end's buffer
//! was cleared after the piece was sent: a `clear` makes the carrier return every outstanding mark at once, which proves nothing.

use std::collections::VecDeque;
use std::time::Duration;

/// Bookkeeping for the agent turn that is being spoken.
#[derive(Debug)]
pub struct Ledger {
    prefix: &'static str,
    next_mark: u64,
    pieces: VecDeque<Piece>,
}

#[derive(Debug)]
struct Piece {
    mark: String,
    text: String,
    length: Duration,
    state: PieceState,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum PieceState {
    /// Sent or waiting to be sent.
    Outstanding,
    /// Its mark came back while it counted.
    Heard,
}

/// What was heard of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// The heard words.
    pub text: String,
    /// True when nothing is missing.
    pub complete: bool,
}

/// The last words before a cut count as heard only when this much of them was played: the network's way is time the caller has not heard yet.
pub const NETWORK_ALLOWANCE: Duration = Duration::from_millis(80);

impl Default for Ledger {
    fn default() -> Self {
        Self::named("p")
    }
}

impl Ledger {
    /// A ledger whose marks begin with `prefix`. Two ledgers that use one media stream, one after the other, need different ones: a mark of
    /// the first that comes back late must not be taken for one of the second.
    pub fn named(prefix: &'static str) -> Self {
        Self { prefix, next_mark: 0, pieces: VecDeque::new() }
    }

    /// Most pieces one turn may have; a turn with more is a brain gone wild.
    pub const MAX_PIECES: usize = 200;

    /// Enters a piece (without a text for what is heard but is not part of the turn, as keys are) and returns the name of the mark to send after its audio; `None` when the turn has too many.
    pub fn enter(&mut self, text: &str) -> Option<String> {
        if self.pieces.len() >= Self::MAX_PIECES {
            return None;
        }
        let piece = self.piece(text);
        let mark = piece.mark.clone();
        self.pieces.push_back(piece);
        Some(mark)
    }

    /// Enters a filler: it is heard before the piece that has no audio yet, and is no part of the turn.
    pub fn enter_aside(&mut self) -> Option<String> {
        if self.pieces.len() >= Self::MAX_PIECES {
            return None;
        }
        let piece = self.piece("");
        let mark = piece.mark.clone();
        let silent = |piece: &Piece| piece.length.is_zero() && piece.state == PieceState::Outstanding;
        let at = self.pieces.iter().position(silent).unwrap_or(self.pieces.len());
        self.pieces.insert(at, piece);
        Some(mark)
    }

    fn piece(&mut self, text: &str) -> Piece {
        self.next_mark += 1;
        let mark = format!("{}{}", self.prefix, self.next_mark);
        Piece { mark, text: text.to_owned(), length: Duration::ZERO, state: PieceState::Outstanding }
    }

    /// The far end was cleared and a piece will be played again: another mark for it, because the one that was sent comes back now and proves
    /// nothing. An unknown mark stays as it is.
    pub fn anew(&mut self, mark: &str) -> String {
        let Some(piece) = self.pieces.iter_mut().find(|piece| piece.mark == mark) else { return mark.to_owned() };
        self.next_mark += 1;
        piece.mark = format!("{}{}", self.prefix, self.next_mark);
        piece.state = PieceState::Outstanding;
        piece.mark.clone()
    }

    /// Strikes a piece that will not be heard.
    pub fn strike(&mut self, mark: &str) {
        self.pieces.retain(|piece| piece.mark != mark);
    }

    /// Adds words to a piece, as they are to be joined.
    pub fn words(&mut self, mark: &str, text: &str) {
        if let Some(piece) = self.pieces.iter_mut().find(|piece| piece.mark == mark) {
            piece.text.push_str(text);
        }
    }

    /// Adds audio to a piece.
    pub fn audio(&mut self, mark: &str, length: Duration) {
        if let Some(piece) = self.pieces.iter_mut().find(|piece| piece.mark == mark) {
            piece.length += length;
        }
    }

    /// A mark came back. True when it belongs to the turn being spoken and counts.
    pub fn reached(&mut self, mark: &str) -> bool {
        let Some(index) = self.pieces.iter().position(|piece| piece.mark == mark) else {
            return false;
        };
        // Marks come back in order; one that was lost on the way is covered by a later one.
        for piece in self.pieces.iter_mut().take(index + 1) {
            piece.state = PieceState::Heard;
        }
        true
    }

    /// Takes everything as heard: the marks were lost, but by our clock all of it was played.
    pub fn all_played(&mut self) {
        for piece in &mut self.pieces {
            piece.state = PieceState::Heard;
        }
    }

    /// True when every piece was heard.
    pub fn all_heard(&self) -> bool {
        self.pieces.iter().all(|piece| piece.state == PieceState::Heard)
    }

    /// True when there is nothing in the ledger.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Closes the turn after it was spoken to its end.
    pub fn finish(&mut self) -> Heard {
        let complete = self.all_heard();
        let text = join(self.pieces.iter().map(|piece| piece.text.as_str()));
        self.pieces.clear();
        Heard { text, complete }
    }

    /// Closes the turn because the far end was cleared; `unplayed` of its audio was, by our clock, not played. Marks that come back later are unknown.
    pub fn cut(&mut self, unplayed: Duration) -> Heard {
        let total: Duration = self.pieces.iter().map(|piece| piece.length).sum();
        let mut played = total.saturating_sub(unplayed).saturating_sub(NETWORK_ALLOWANCE);
        let mut words = Vec::new();
        let mut complete = true;
        for piece in self.pieces.drain(..) {
            if piece.state == PieceState::Heard || (played >= piece.length && !piece.length.is_zero()) {
                words.push(piece.text);
            } else {
                complete = false;
                words.push(share(&piece.text, played, piece.length));
            }
            played = played.saturating_sub(piece.length);
        }
        Heard { text: join(words.iter().map(String::as_str)), complete }
    }
}

/// The first words of `text`, as many as fit into `played` of `length`.
fn share(text: &str, played: Duration, length: Duration) -> String {
    if length.is_zero() || played.is_zero() {
        return String::new();
    }
    let letters = text.chars().count() as f64 * (played.as_secs_f64() / length.as_secs_f64()).min(1.0);
    let mut used = 0.0;
    let heard = text.split_whitespace().take_while(|word| {
        used += word.chars().count() as f64;
        let fits = used <= letters;
        used += 1.0;
        fits
    });
    join(heard)
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn a_turn_is_heard_when_its_last_mark_is_back() {
        let mut ledger = Ledger::default();
        let first = ledger.enter("Good day.").unwrap();
        ledger.audio(&first, ms(800));
        let last = ledger.enter("How can I help?").unwrap();
        ledger.audio(&last, ms(900));
        assert!(!ledger.all_heard());
        assert!(ledger.reached(&last));
        assert!(ledger.all_heard());
        assert_eq!(ledger.finish(), Heard { text: "Good day. How can I help?".into(), complete: true });
    }

    #[test]
    fn an_interrupted_turn_is_cut_to_what_was_played() {
        let mut ledger = Ledger::default();
        let first = ledger.enter("We have two rooms left.").unwrap();
        ledger.audio(&first, ms(1000));
        let second = ledger.enter("one two three four five six seven eight nine ten").unwrap();
        ledger.audio(&second, ms(2000));
        ledger.reached(&first);
        let heard = ledger.cut(ms(1000));
        assert!(heard.text.starts_with("We have two rooms left. one two"));
        assert!(!heard.text.contains("eight"));
        assert!(!heard.complete);
    }

    #[test]
    fn a_mark_that_comes_back_after_clear_proves_nothing() {
        let mut ledger = Ledger::default();
        let mark = ledger.enter("never heard").unwrap();
        ledger.audio(&mark, ms(1000));
        assert_eq!(ledger.cut(ms(1000)).text, "");
        assert!(!ledger.reached(&mark));
    }

    #[test]
    fn a_piece_that_is_played_again_is_proven_by_its_new_mark_only() {
        let mut ledger = Ledger::default();
        let first = ledger.enter("One.").unwrap();
        let second = ledger.enter("Two.").unwrap();
        let again = ledger.anew(&second);
        assert!(ledger.reached(&first));
        assert!(!ledger.reached(&second), "the clear brought it back");
        assert!(!ledger.all_heard());
        assert!(ledger.reached(&again) && ledger.all_heard());
    }

    #[test]
    fn a_filler_is_heard_before_the_words_that_were_not_ready_and_is_none_of_them() {
        let mut ledger = Ledger::default();
        let slow = ledger.enter("one two three four five").unwrap();
        let filler = ledger.enter_aside().unwrap();
        ledger.audio(&filler, ms(1000));
        ledger.audio(&slow, ms(1000));
        assert_eq!(ledger.cut(ms(1000)).text, "", "the second that was played was the filler's");
    }

    #[test]
    fn a_wild_brain_is_bounded() {
        let mut ledger = Ledger::default();
        for _ in 0..Ledger::MAX_PIECES {
            assert!(ledger.enter("again").is_some());
        }
        assert!(ledger.enter("again").is_none());
    }
}
