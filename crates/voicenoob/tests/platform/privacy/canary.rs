//! Values that are found again wherever they come out, also written differently.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// A value, and where it may be.
pub(crate) struct Canary {
    /// What it is, for the test's report.
    pub(crate) name: &'static str,
    /// Places it may be found in; a place that ends in `.` or `:` stands for all that begin with it.
    pub(crate) may: &'static [&'static str],
    /// It must be in one of them: a value that never came in proves nothing.
    pub(crate) is_kept: bool,
    pub(crate) forms: Vec<String>,
}

/// What is looked through.
pub(crate) struct Text {
    lower: String,
    /// Without what people write between digits.
    joined: String,
}

impl Text {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let lower = String::from_utf8_lossy(bytes).to_lowercase();
        let joined = lower.chars().filter(|letter| !matches!(letter, ' ' | '-' | '.' | '(' | ')' | '/')).collect();
        Self { lower, joined }
    }

    /// The part around a place, for the test's report.
    fn around(text: &str, at: usize) -> String {
        let (from, to) = (text.floor_char_boundary(at.saturating_sub(120)), text.ceil_char_boundary((at + 160).min(text.len())));
        text[from..to].to_owned()
    }
}

impl Canary {
    /// Something that is kept nowhere as it is: a password, a token, a key.
    pub(crate) fn secret(name: &'static str, value: &str) -> Self {
        Self { name, may: &[], is_kept: false, forms: written(value) }
    }

    /// Something of a person that stands in records. It can be guessed, so its plain digest is the same as itself.
    pub(crate) fn personal(name: &'static str, value: &str, may: &'static [&'static str]) -> Self {
        Self { name, may, is_kept: !may.is_empty(), forms: [written(value), digests(value)].concat() }
    }

    /// A number: the same with and without what stands between its digits.
    pub(crate) fn number(name: &'static str, value: &str, may: &'static [&'static str]) -> Self {
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        let spelled = [value.to_owned(), digits.clone(), format!("+{digits}")];
        let mut forms: Vec<String> = spelled.iter().flat_map(|form| [encoded(form), digests(form)].concat()).collect();
        forms.push(digits);
        Self { name, may, is_kept: !may.is_empty(), forms }
    }

    /// The same after its person was erased.
    pub(crate) fn erased(self) -> Self {
        Self { may: &[], is_kept: false, ..self }
    }

    /// What stands around the first place where it is found.
    pub(crate) fn found(&self, text: &Text) -> Option<String> {
        self.forms.iter().find_map(|form| {
            let looked = [&text.lower, &text.joined].into_iter();
            looked.filter_map(|text| Some(Text::around(text, text.find(form.as_str())?))).next()
        })
    }

    pub(crate) fn may_be_in(&self, place: &str) -> bool {
        self.may.iter().any(|may| *may == place || (may.ends_with(['.', ':']) && place.starts_with(may)))
    }
}

/// A value as programs write it, in lower case.
fn written(value: &str) -> Vec<String> {
    [vec![value.to_lowercase()], encoded(value)].concat()
}

fn encoded(value: &str) -> Vec<String> {
    let percent: String =
        value.bytes().map(|byte| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02x}") }).collect();
    let mut forms = vec![percent.to_lowercase(), percent.replace("%20", "+").to_lowercase(), hex::encode(value)];
    // Within a longer text base 64 has one of three phases; letters at the edges depend on the neighbours.
    for phase in 0..3 {
        let text = [&b"???"[..phase], value.as_bytes()].concat();
        for form in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            let whole = form.get(if phase == 0 { 0 } else { 4 }..form.len().saturating_sub(2)).unwrap_or_default();
            if whole.len() >= 8 {
                forms.push(whole.to_lowercase());
            }
        }
    }
    forms.retain(|form| form.len() >= 8);
    forms
}

/// The beginning of the digest that everybody can compute.
fn digests(value: &str) -> Vec<String> {
    [value.to_owned(), value.to_lowercase()].map(|text| hex::encode(&Sha256::digest(text)[..8])).to_vec()
}

/// A card's number with this beginning of 15 digits: the last one is Luhn's (ISO/IEC 7812-1).
pub(crate) fn card(beginning: &str) -> String {
    let doubled = |(at, digit): (usize, u32)| if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit };
    let sum: u32 = beginning.chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate().map(doubled).sum();
    format!("{beginning}{}", (10 - sum % 10) % 10)
}

#[test]
fn a_canary_is_found_however_it_is_written() {
    let number = Canary::number("number", "+49 30 9018 2046", &[]);
    let digest = hex::encode(Sha256::digest("+493090182046"));
    for text in [
        "x +49 30 9018 2046",
        "From=%2B493090182046",
        "\"493090182046\"",
        "4930-9018-2046",
        &digest,
        &STANDARD_NO_PAD.encode("a +493090182046 b"),
    ] {
        assert!(number.found(&Text::new(text.as_bytes())).is_some(), "{text}");
    }
    assert!(number.found(&Text::new(b"4930901820 46x 493090182047")).is_some_and(|around| around.contains("x")));
    assert!(number.found(&Text::new(b"493090182047")).is_none());
    let secret = Canary::secret("secret", "Hush+Canary/One");
    for text in [
        "hush+canary/one",
        "Hush%2BCanary%2FOne",
        &hex::encode("..Hush+Canary/One"),
        &URL_SAFE_NO_PAD.encode("{\"a\":\"Hush+Canary/One\"}"),
    ] {
        assert!(secret.found(&Text::new(text.as_bytes())).is_some(), "{text}");
    }
    assert_eq!(card("411111111111111"), "4111111111111111");
}
