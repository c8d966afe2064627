//! Phrases: how a file writes down what callers say. `[i want|i'd like] to book [{room_type}|a room|]`: brackets hold
//! alternatives, an empty one makes them optional, braces name a slot.

/// A piece of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Word(String),
    Slot(String),
    /// Any of these; an empty one means that nothing need be said.
    Either(Vec<Vec<Piece>>),
}

/// A parsed phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase(pub(crate) Vec<Piece>);

/// Deepest nesting of brackets.
const DEEPEST: usize = 4;

impl Phrase {
    /// Reads a phrase; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut alternatives = sequence(&mut rest, 0)?;
        if !rest.is_empty() {
            return Err(format!("the phrase {text:?} has a \"]\" without \"[\""));
        }
        let pieces = if alternatives.len() == 1 { alternatives.remove(0) } else { vec![Piece::Either(alternatives)] };
        if pieces.is_empty() {
            return Err("a phrase has no words".into());
        }
        Ok(Self(pieces))
    }

    /// Every slot named, in order.
    pub(crate) fn slots(&self) -> Vec<&str> {
        fn walk<'a>(pieces: &'a [Piece], found: &mut Vec<&'a str>) {
            for piece in pieces {
                match piece {
                    Piece::Word(_) => {}
                    Piece::Slot(name) => found.push(name),
                    Piece::Either(alternatives) => alternatives.iter().for_each(|inner| walk(inner, found)),
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.0, &mut found);
        found
    }

    /// Every word, in order.
    pub(crate) fn words(&self) -> Vec<&str> {
        fn walk<'a>(pieces: &'a [Piece], found: &mut Vec<&'a str>) {
            for piece in pieces {
                match piece {
                    Piece::Word(word) => found.push(word),
                    Piece::Slot(_) => {}
                    Piece::Either(alternatives) => alternatives.iter().for_each(|inner| walk(inner, found)),
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.0, &mut found);
        found
    }
}

/// Alternatives up to the closing bracket or the end.
fn sequence(rest: &mut &str, depth: usize) -> Result<Vec<Vec<Piece>>, String> {
    if depth > DEEPEST {
        return Err(format!("brackets are nested deeper than {DEEPEST}"));
    }
    let mut alternatives = vec![Vec::new()];
    while let Some(c) = rest.chars().next() {
        let piece = match c {
            ']' => return Ok(alternatives),
            '|' => {
                *rest = &rest[1..];
                alternatives.push(Vec::new());
                continue;
            }
            '[' => {
                *rest = &rest[1..];
                let inner = sequence(rest, depth + 1)?;
                *rest = rest.strip_prefix(']').ok_or("a \"[\" is not closed")?;
                vec![Piece::Either(inner)]
            }
            '{' => {
                let (name, after) = rest[1..].split_once('}').ok_or("a \"{\" is not closed")?;
                *rest = after;
                vec![Piece::Slot(name.trim().to_owned())]
            }
            _ => {
                let end = rest.find(['[', ']', '|', '{']).unwrap_or(rest.len());
                let text = &rest[..end];
                *rest = &rest[end..];
                crate::words::words(text).into_iter().map(Piece::Word).collect()
            }
        };
        if let Some(last) = alternatives.last_mut() {
            last.extend(piece);
        }
    }
    if depth > 0 { Err("a \"[\" is not closed".into()) } else { Ok(alternatives) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_hold_alternatives_and_braces_slots() {
        let phrase = Phrase::parse("[i want|] to book {room}").unwrap();
        assert_eq!(phrase.slots(), ["room"]);
        assert_eq!(phrase.words(), ["i", "want", "to", "book"]);
        let Piece::Either(alternatives) = &phrase.0[0] else { panic!("{phrase:?}") };
        assert_eq!(alternatives.len(), 2);
        assert!(alternatives[1].is_empty());
    }

    #[test]
    fn a_broken_phrase_is_refused() {
        for text in ["book [a", "book a]", "book {room", "", "[[[[[[a]]]]]]"] {
            assert!(Phrase::parse(text).is_err(), "{text}");
        }
    }
}
