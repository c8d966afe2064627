//! Vectors of twilio.md 2.5 and the rules around them.

use super::*;

const TOKEN: &str = "voicenoob-test-token";
const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=UTF-8");

fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn body(fields: &[(&str, &str)]) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
}

const EXAMPLE: [(&str, &str); 5] =
    [("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675310"), ("Digits", "1234"), ("From", "+14158675310"), ("To", "+18005551212")];
const RINGING: [(&str, &str); 7] = [
    ("AccountSid", "AC00000000000000000000000000000001"),
    ("ApiVersion", "2010-04-01"),
    ("CallSid", "CA00000000000000000000000000000001"),
    ("CallStatus", "ringing"),
    ("Direction", "inbound"),
    ("From", "+15005550006"),
    ("To", "+15005550010"),
];

#[test]
fn published_and_computed_vectors_are_reproduced() {
    assert_eq!(sign("https://example.com/myapp.php?foo=1&bar=2", &form(&EXAMPLE), "12345"), "L/OH5YylLD5NRKLltdqwSvS0BnU=");
    let other: Vec<_> =
        EXAMPLE.iter().map(|(name, value)| (*name, if *value == "+14158675310" { "+14158675309" } else { value })).collect();
    assert_eq!(sign("https://mycompany.com/myapp.php?foo=1&bar=2", &form(&other), "12345"), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    let url = "https://voice.example.test/twilio/voice";
    assert_eq!(sign(url, &form(&RINGING), TOKEN), "YVL0WmbgmBSR+rnpRCa5atq7KQk=");
    assert_eq!(sign_with(Algorithm::Sha256, url, &form(&RINGING), TOKEN), "hBfqefojUcIa2U5TmcG/x8f6CZJm/VSyO18nuCUl3wM=");
    assert_eq!(sign("wss://voice.example.test/twilio/media", &[], TOKEN), "pZ0NURMLsQFdC0nXJgDDf6Dkkrg=");
    assert_eq!(sign("wss://voice.example.test/twilio/media/", &[], TOKEN), "lDnDBFEMJgaHryLkqlGUnJwNXBY=");
    let repeated = form(&[("A", "2"), ("A", "1"), ("A", "1"), ("B", ""), ("b", "z")]);
    assert_eq!(sign("https://voice.example.test/x", &repeated, TOKEN), "T3I8ubA+E59aaHHgLX77aHldfZA=");
}

#[test]
fn a_json_body_is_signed_by_its_hash() {
    let json = br#"{"event":"x","n":1}"#;
    let (url, signature) = sign_json("https://voice.example.test/twilio/json", json, TOKEN);
    assert!(url.ends_with("?bodySHA256=27ebfe91a318dc07829eec267640f3751e9a3cdc12079c47803ad76b3404b82e"), "{url}");
    assert_eq!(signature, "oaR2gxSSlZuLRsTtXtNT0IKrdx4=");
    let kind = Some("application/json");
    assert!(verify(&[&url], json, kind, &signature, TOKEN));
    assert!(!verify(&[&url], br#"{"event":"x","n":2}"#, kind, &signature, TOKEN));
    // A body that nothing signs is refused even when the address is signed.
    let bare = "https://voice.example.test/twilio/json";
    assert!(!verify(&[bare], json, kind, &sign(bare, &[], TOKEN), TOKEN));
}

#[test]
fn a_form_is_believed_only_unchanged() {
    let url = "https://voice.example.test/twilio/voice";
    let signature = sign(url, &form(&RINGING), TOKEN);
    let raw = body(&RINGING);
    assert!(verify(&[url], &raw, FORM, &signature, TOKEN));
    assert!(verify(&["https://other.example.test/", url], &raw, FORM, &signature, TOKEN));
    assert!(!verify(&["https://voice.example.test/twilio/voice/"], &raw, FORM, &signature, TOKEN));
    assert!(!verify(&[url], &raw, FORM, &signature, "another-token"));
    assert!(!verify(&[url], &raw, Some("application/json"), &signature, TOKEN));
    assert!(!verify(&[url], &body(&RINGING[1..]), FORM, &signature, TOKEN));
    assert!(!verify(&[], &raw, FORM, &signature, TOKEN));
    for bad in ["", "not base64!", "YVL0WmbgmBSR+rnpRCa5atq7KQk", "AAAA"] {
        assert!(!verify(&[url], &raw, FORM, bad, TOKEN), "{bad}");
    }
    assert!(!verify(&[url], &raw, FORM, &sign(url, &form(&RINGING), ""), ""));
}

#[test]
fn blanks_spaces_and_unicode_are_signed_as_they_are() {
    let url = "https://voice.example.test/x?a=%20b+c";
    let fields = [("CallerName", ""), ("Name", " Zoë  Müller "), ("A", "1"), ("A", "2"), ("A", "1")];
    assert!(verify(&[url], &body(&fields), FORM, &sign(url, &form(&fields), TOKEN), TOKEN));
}

#[test]
fn port_user_and_fragment_do_not_matter() {
    let fields = form(&RINGING);
    let raw = body(&RINGING);
    for (requested, signed) in [
        ("https://h.test:8443/v?x=1", "https://h.test/v?x=1"),
        ("https://h.test:8443/v?x=1", "https://h.test:8443/v?x=1"),
        ("https://h.test/v", "https://h.test:443/v"),
        ("http://h.test/v", "http://h.test:80/v"),
        ("https://me:secret@h.test/v", "https://h.test/v"),
        ("https://h.test/v#rc=2&rp=5xx", "https://h.test/v"),
        ("https://[2001:db8::1]:8443/v", "https://[2001:db8::1]/v"),
        ("https://h.test?x=1", "https://h.test?x=1"),
    ] {
        assert!(verify(&[requested], &raw, FORM, &sign(signed, &fields, TOKEN), TOKEN), "{requested} signed as {signed}");
    }
    assert_eq!(sign("https://me:secret@h.test/v#rc=2", &fields, TOKEN), sign("https://h.test/v", &fields, TOKEN));
    assert!(!verify(&["https://h.test/v"], &raw, FORM, &sign("https://h.test/w", &fields, TOKEN), TOKEN));
}

#[test]
fn a_websocket_upgrade_is_signed_in_four_spellings() {
    let url = "wss://h.test/ws/telephony/twilio/a";
    for signed in
        [url, "wss://h.test/ws/telephony/twilio/a/", "https://h.test/ws/telephony/twilio/a", "https://h.test/ws/telephony/twilio/a/"]
    {
        assert!(verify(&[url], b"", None, &sign(signed, &[], TOKEN), TOKEN), "{signed}");
    }
    assert!(!verify(&[url], b"", None, &sign("wss://h.test/ws/telephony/twilio/b", &[], TOKEN), TOKEN));
}

#[test]
fn the_hash_of_the_account_cannot_be_downgraded() {
    let url = "https://voice.example.test/twilio/voice";
    let sha1 = sign(url, &form(&RINGING), TOKEN);
    let sha256 = sign_with(Algorithm::Sha256, url, &form(&RINGING), TOKEN);
    assert!(verify_with(Algorithm::Sha256, &[url], &body(&RINGING), FORM, &sha256, TOKEN));
    assert!(!verify_with(Algorithm::Sha256, &[url], &body(&RINGING), FORM, &sha1, TOKEN));
    assert!(!verify(&[url], &body(&RINGING), FORM, &sha256, TOKEN));
}

#[test]
fn limits_hold() {
    let url = "https://h.test/v";
    let many: Vec<(String, String)> = (0..=MAX_FORM_FIELDS).map(|n| (format!("p{n}"), "v".to_owned())).collect();
    let raw = form_urlencoded::Serializer::new(String::new()).extend_pairs(&many).finish();
    assert!(!verify(&[url], raw.as_bytes(), FORM, &sign(url, &many, TOKEN), TOKEN));
    let long = form(&[("a", &"v".repeat(MAX_BODY_BYTES))]);
    let raw = format!("a={}", "v".repeat(MAX_BODY_BYTES));
    assert!(!verify(&[url], raw.as_bytes(), FORM, &sign(url, &long, TOKEN), TOKEN));
    let mut urls = vec!["https://other.test/"; MAX_URLS];
    urls.push(url);
    assert!(!verify(&urls, b"", None, &sign(url, &[], TOKEN), TOKEN));
    let endless = format!("https://h.test/{}", "v".repeat(MAX_URL_BYTES));
    assert!(!verify(&[&endless], b"", None, &sign(&endless, &[], TOKEN), TOKEN));
}
