//! Every attack on tokens that is known by name, and tokens in their time.

use jsonwebtoken::EncodingKey;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::KeyFile;

const ISSUER: &str = "https://voice.example";
const AUDIENCE: &str = "voicenoob-api";

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn keys(id: &str) -> SigningKeys {
    KeyFile::from_text(&Secret::from(format!("{id}:{}", "A".repeat(43)))).unwrap().signing_keys()
}

fn tokens() -> AccessTokens {
    AccessTokens::new(keys("k1"), ISSUER, AUDIENCE)
}

fn claims() -> Claims {
    tokens().claims(Uuid::from_u128(1), Uuid::from_u128(2), SignedDuration::from_mins(10), now())
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "typ": TOKEN_TYPE, "kid": "k1" })
}

fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A token with this text for header and claims, signed with our own key as if we had made it.
fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = keys("k1").signer(now(), |key| jsonwebtoken::crypto::sign(message.as_bytes(), &key.signs, Algorithm::EdDSA)).unwrap();
    format!("{message}.{signature}")
}

fn with_header(header: &Value) -> String {
    signed(&header.to_string(), &serde_json::to_string(&claims()).unwrap())
}

fn with_claim(name: &str, value: Value) -> String {
    let mut claims = serde_json::to_value(claims()).unwrap();
    claims[name] = value;
    signed(&header().to_string(), &claims.to_string())
}

fn refused(token: &str) -> TokenError {
    tokens().verify(token, now()).unwrap_err()
}

#[test]
fn a_token_says_what_it_was_issued_for_until_it_ends() {
    let issued = tokens().issue(&claims(), now()).unwrap();
    for at in [0, 1, 599] {
        assert_eq!(tokens().verify(issued.expose(), later(at)).unwrap(), claims_like(issued.expose()));
    }
    assert_eq!(tokens().verify(issued.expose(), later(600)), Err(TokenError::Expired));
    assert_eq!(
        tokens().verify(&with_header(&header()), now()).unwrap().sub,
        Uuid::from_u128(1),
        "the forger of these tests makes good tokens"
    );
}

/// The claims in a token, read without any check.
fn claims_like(token: &str) -> Claims {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn no_spelling_of_none_passes_with_or_without_a_signature() {
    for alg in ["none", "None", "NONE", "nOnE", "", "EDDSA", "eddsa"] {
        let token = with_header(&json!({ "alg": alg, "typ": TOKEN_TYPE, "kid": "k1" }));
        assert_eq!(refused(&token), TokenError::Algorithm, "{alg}");
        let (message, _) = token.rsplit_once('.').unwrap();
        assert_eq!(refused(&format!("{message}.")), TokenError::Algorithm, "{alg}");
        assert_eq!(refused(message), TokenError::Malformed, "{alg}");
    }
}

#[test]
fn an_empty_or_missing_signature_is_refused() {
    let issued = tokens().issue(&claims(), now()).unwrap();
    let (message, signature) = issued.expose().rsplit_once('.').unwrap();
    assert_eq!(refused(&format!("{message}.")), TokenError::Signature);
    assert_eq!(refused(message), TokenError::Malformed);
    assert_eq!(refused(&format!("{message}.{signature}.")), TokenError::Malformed);
    assert_eq!(
        refused(&format!("{message}.{signature}.{signature}.{signature}")),
        TokenError::Malformed,
        "five parts are an encrypted token"
    );
    assert_eq!(refused(&format!("{message}.{}", &signature[..40])), TokenError::Signature);
    assert_eq!(refused(""), TokenError::Malformed);
}

#[test]
fn the_public_key_is_no_shared_secret() {
    let public = keys("k1").verifier("k1").unwrap();
    let raw = public.try_get_as_bytes().unwrap().to_vec();
    for secret in [raw.clone(), URL_SAFE_NO_PAD.encode(&raw).into_bytes(), hex::encode(&raw).into_bytes(), Vec::new()] {
        for (algorithm, name) in [(Algorithm::HS256, "HS256"), (Algorithm::HS512, "HS512")] {
            let forge = |alg: &str| {
                let header = json!({ "alg": alg, "typ": TOKEN_TYPE, "kid": "k1" }).to_string();
                let message = format!("{}.{}", encoded(&header), encoded(&serde_json::to_string(&claims()).unwrap()));
                let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&secret), algorithm).unwrap();
                format!("{message}.{signature}")
            };
            assert_eq!(refused(&forge(name)), TokenError::Algorithm);
            assert_eq!(refused(&forge("EdDSA")), TokenError::Signature);
        }
    }
}

#[test]
fn other_algorithms_are_refused_whatever_signed_them() {
    for alg in ["HS256", "RS256", "PS256", "ES256", "Ed25519", "A256GCM"] {
        assert_eq!(refused(&with_header(&json!({ "alg": alg, "typ": TOKEN_TYPE, "kid": "k1" }))), TokenError::Algorithm, "{alg}");
    }
}

#[test]
fn a_key_id_is_looked_up_and_nothing_else() {
    let long = "k".repeat(65);
    let odd = ["k2", "", "K1", "k1 ", "../../../dev/null", "k1' OR '1'='1", "k1\0", "/etc/passwd", "http://evil.example/k1", "ключ", &long];
    for kid in odd {
        assert_eq!(refused(&with_header(&json!({ "alg": "EdDSA", "typ": TOKEN_TYPE, "kid": kid }))), TokenError::UnknownKey, "{kid}");
    }
    assert_eq!(refused(&with_header(&json!({ "alg": "EdDSA", "typ": TOKEN_TYPE }))), TokenError::Malformed, "no key is the first one");
    assert_eq!(refused(&with_header(&json!({ "alg": "EdDSA", "typ": TOKEN_TYPE, "kid": ["k1"] }))), TokenError::Malformed);
}

#[test]
fn a_token_brings_no_key_and_no_rules_along() {
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let brought = [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
    ];
    for (name, value) in brought {
        let mut header = header();
        header[name] = value;
        assert_eq!(refused(&with_header(&header)), TokenError::Malformed, "{name}");
    }
}

#[test]
fn a_key_of_the_attackers_own_is_not_ours() {
    let foreign = KeyFile::from_text(&Secret::from(format!("k1:{}", "B".repeat(42) + "A"))).unwrap().signing_keys();
    let token = AccessTokens::new(foreign, ISSUER, AUDIENCE).issue(&claims(), now()).unwrap();
    assert_eq!(refused(token.expose()), TokenError::Signature);
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let good = serde_json::to_string(&claims()).unwrap();
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let head = header().to_string();
    for member in [r#""alg":"none""#, r#""alg":"EdDSA""#, r#""kid":"k1""#, r#""\u0061lg":"none""#] {
        assert_eq!(refused(&signed(&twice(&head, member), &good)), TokenError::Malformed, "{member}");
    }
    for member in [r#""sub":"00000000-0000-0000-0000-000000000001""#, r#""exp":9999999999"#, r#""s\u0075b":"x""#, r#""aud":"other""#] {
        assert_eq!(refused(&signed(&head, &twice(&good, member))), TokenError::Malformed, "{member}");
    }
}

#[test]
fn only_an_access_token_passes_for_one() {
    for typ in ["JWT", "rt+jwt", "id+jwt", "AT+JWT", "application/at+jwt", ""] {
        assert_eq!(refused(&with_header(&json!({ "alg": "EdDSA", "typ": typ, "kid": "k1" }))), TokenError::Type, "{typ}");
    }
    assert_eq!(refused(&with_header(&json!({ "alg": "EdDSA", "kid": "k1" }))), TokenError::Malformed);
}

#[test]
fn times_are_checked_by_the_callers_clock() {
    let second = now().as_second();
    assert_eq!(refused(&with_claim("exp", json!(second))), TokenError::Expired);
    assert_eq!(refused(&with_claim("exp", json!(second - 1))), TokenError::Expired);
    assert_eq!(refused(&with_claim("nbf", json!(second + 61))), TokenError::NotYet);
    assert_eq!(refused(&with_claim("iat", json!(second + 61))), TokenError::NotYet);
    assert!(tokens().verify(&with_claim("nbf", json!(second + 60)), now()).is_ok(), "clocks differ");
    assert_eq!(refused(&with_claim("exp", json!(second + 3600))), TokenError::Life);
    assert_eq!(refused(&with_claim("exp", json!(i64::MAX))), TokenError::Life);
    for value in [json!("9999999999"), json!(null), json!(1e300), json!(-1.5), json!([second + 60])] {
        assert_eq!(refused(&with_claim("exp", value.clone())), TokenError::Malformed, "{value}");
    }
}

#[test]
fn every_claim_must_be_there() {
    let whole = serde_json::to_value(claims()).unwrap();
    for name in ["sub", "sid", "iat", "nbf", "exp", "jti", "iss", "aud"] {
        let mut claims = whole.clone();
        claims.as_object_mut().unwrap().remove(name).unwrap();
        assert_eq!(refused(&signed(&header().to_string(), &claims.to_string())), TokenError::Malformed, "{name}");
    }
    assert_eq!(refused(&with_claim("admin", json!(true))), TokenError::Malformed);
}

#[test]
fn another_issuer_or_audience_is_refused() {
    assert_eq!(refused(&with_claim("iss", json!("https://voice.example/"))), TokenError::Issuer);
    assert_eq!(refused(&with_claim("iss", json!([ISSUER]))), TokenError::Malformed);
    assert_eq!(refused(&with_claim("aud", json!("other-api"))), TokenError::Audience);
    assert_eq!(refused(&with_claim("aud", json!([AUDIENCE, "other-api"]))), TokenError::Malformed);
}

#[test]
fn a_token_that_is_too_long_is_not_looked_at() {
    assert_eq!(refused(&with_claim("jti", json!("x".repeat(MAX_TOKEN_BYTES)))), TokenError::TooLong);
}

#[test]
fn a_life_longer_than_the_longest_is_cut() {
    let claims = tokens().claims(Uuid::nil(), Uuid::nil(), SignedDuration::from_hours(5), now());
    assert_eq!(claims.exp - claims.iat, MAX_TOKEN_LIFE_SECS);
    let token = tokens().issue(&claims, now()).unwrap();
    assert_eq!(tokens().verify(token.expose(), now()).unwrap(), claims);
}

#[test]
fn no_bit_of_a_token_can_be_flipped() {
    let issued = tokens().issue(&claims(), now()).unwrap();
    for at in 0..issued.expose().len() {
        for bit in 0..7 {
            let mut bytes = issued.expose().as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).unwrap();
            assert!(tokens().verify(&flipped, now()).is_err(), "byte {at}, bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_refused(text in "[A-Za-z0-9._{}\" -]{0,300}") {
        prop_assert!(tokens().verify(&text, now()).is_err());
    }

    #[test]
    fn any_json_under_our_own_signature_is_refused_or_ours(header in "\\PC{0,80}", claims in "\\PC{0,80}") {
        prop_assert!(tokens().verify(&signed(&header, &claims), now()).is_err());
    }
}
