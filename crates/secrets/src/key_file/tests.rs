//! The file: made once, private, rotated, and refused when it is not right.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{AccessTokens, TokenError, sealed_with};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("secrets.toml");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn tokens(file: &KeyFile) -> AccessTokens {
    AccessTokens::new(file.signing_keys(), "issuer", "audience")
}

fn token(file: &KeyFile, at: Timestamp) -> Secret {
    let tokens = tokens(file);
    tokens.issue(&tokens.claims(Uuid::nil(), Uuid::nil(), SignedDuration::from_mins(15), at), at).unwrap()
}

/// The id of the key that signed a token.
fn signer(file: &KeyFile, at: Timestamp) -> String {
    file.keys().signer(at).id.clone()
}

#[tokio::test]
async fn what_one_start_seals_the_next_one_opens() {
    let (_folder, path) = folder();
    let first = KeyFile::load_or_create(&path, now()).unwrap();
    let sealed = first.seal("provider key:1", b"sk-secret").await.unwrap();
    let second = KeyFile::load_or_create(&path, now()).unwrap();
    assert_eq!(second.open("provider key:1", &sealed).await.unwrap().as_slice(), b"sk-secret");
    assert_eq!(second.pseudonym_key(), first.pseudonym_key());
    assert!(tokens(&second).verify(token(&first, now()).expose(), now()).is_ok());
    assert_eq!(second.kind(), "key file");
}

#[test]
fn the_file_is_the_owners_alone_and_no_draft_of_it_stays() {
    let (_folder, path) = folder();
    KeyFile::load_or_create(&path, now()).unwrap();
    KeyFile::rotate_sealing(&path, now()).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the file and its lock: {names:?}");
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_command_to_run() {
    let (_folder, path) = folder();
    KeyFile::load_or_create(&path, now()).unwrap();
    for open in [0o640, 0o604, 0o660, 0o620, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).unwrap();
        for refused in
            [KeyFile::load(&path).err(), KeyFile::load_or_create(&path, now()).err(), KeyFile::rotate_sealing(&path, now()).err()]
        {
            let message = refused.unwrap().to_string();
            assert!(message.contains(&format!("chmod 600 '{}'", path.display())) && message.contains(&format!("{open:04o}")), "{message}");
        }
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    KeyFile::load(&path).unwrap();
}

#[test]
fn instances_that_start_together_get_the_same_keys() {
    let (_folder, path) = folder();
    let start = std::sync::Barrier::new(8);
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let start = || {
            start.wait();
            KeyFile::load_or_create(&path, now()).unwrap().pseudonym_key()
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[tokio::test]
async fn a_new_sealing_key_seals_and_the_old_one_still_opens() {
    let (_folder, path) = folder();
    let before = KeyFile::load_or_create(&path, now()).unwrap();
    let old = before.seal("c", b"old").await.unwrap();
    let id = KeyFile::rotate_sealing(&path, now()).unwrap();
    let after = KeyFile::load(&path).unwrap();
    let new = after.seal("c", b"new").await.unwrap();
    assert_eq!(sealed_with(&new), Some(id.as_str()));
    assert_ne!(sealed_with(&old), sealed_with(&new));
    assert_eq!(after.open("c", &old).await.unwrap().as_slice(), b"old");
    assert_eq!(before.open("c", &new).await.unwrap().as_slice(), b"new", "an instance that was running reads the file again");
}

#[tokio::test]
async fn a_retired_key_opens_no_more_and_its_id_is_named() {
    let (_folder, path) = folder();
    let file = KeyFile::load_or_create(&path, now()).unwrap();
    let sealed = file.seal("totp:anna", b"x").await.unwrap();
    let old = sealed_with(&sealed).unwrap().to_owned();
    assert!(matches!(KeyFile::retire_sealing(&path, &old), Err(SecretsError::NotRetired { .. })), "it seals");
    KeyFile::rotate_sealing(&path, now()).unwrap();
    KeyFile::retire_sealing(&path, &old).unwrap();
    let refused = KeyFile::load(&path).unwrap().open("totp:anna", &sealed).await.unwrap_err().to_string();
    assert!(refused.contains(&old) && !refused.contains("anna"), "{refused}");
    assert!(matches!(KeyFile::retire_sealing(&path, &old), Err(SecretsError::NotRetired { .. })), "it is gone");
}

#[test]
fn there_is_an_end_to_sealing_keys() {
    let (_folder, path) = folder();
    KeyFile::load_or_create(&path, now()).unwrap();
    for _ in 1..MAX_KEYS {
        KeyFile::rotate_sealing(&path, now()).unwrap();
    }
    assert!(matches!(KeyFile::rotate_sealing(&path, now()), Err(SecretsError::TooManyKeys { .. })));
    assert_eq!(KeyFile::load(&path).unwrap().list(now()).len(), MAX_KEYS + 1);
}

#[test]
fn a_new_signing_key_is_known_everywhere_before_it_signs() {
    let (_folder, path) = folder();
    let running = KeyFile::load_or_create(&path, now()).unwrap();
    let first = signer(&running, now());
    let rotated = KeyFile::rotate_signing(&path, now()).unwrap();
    assert_eq!(rotated.signs_from, now() + PUBLISH_AHEAD);
    let rotating = KeyFile::load(&path).unwrap();
    assert_eq!(signer(&rotating, now()), first);
    assert_eq!(signer(&rotating, rotated.signs_from), rotated.id);
    let late = token(&rotating, rotated.signs_from);
    assert!(tokens(&running).verify(late.expose(), rotated.signs_from).is_ok(), "an instance that was running learns the key");
    let early = token(&running, now());
    assert!(tokens(&rotating).verify(early.expose(), now()).is_ok(), "two keys verify");
}

#[test]
fn a_signing_key_goes_only_when_its_tokens_are_over() {
    let (_folder, path) = folder();
    let file = KeyFile::load_or_create(&path, now()).unwrap();
    let second = KeyFile::rotate_signing(&path, now()).unwrap();
    let last_token_of_first = token(&file, second.signs_from - SignedDuration::from_secs(1));
    let over = second.signs_from + SignedDuration::from_mins(15);
    match KeyFile::rotate_signing(&path, over - SignedDuration::from_secs(1)) {
        Err(SecretsError::TooSoon { from }) => assert_eq!(from, over),
        other => panic!("{other:?}"),
    }
    let third = KeyFile::rotate_signing(&path, over).unwrap();
    let file = KeyFile::load(&path).unwrap();
    assert_eq!(signer(&file, over), second.id);
    assert_eq!(signer(&file, third.signs_from), third.id);
    assert_eq!(tokens(&file).verify(last_token_of_first.expose(), over), Err(TokenError::UnknownKey));
}

#[test]
fn a_clock_that_is_behind_signs_with_the_oldest_key() {
    let (_folder, path) = folder();
    let file = KeyFile::load_or_create(&path, now()).unwrap();
    let first = signer(&file, now());
    KeyFile::rotate_signing(&path, now()).unwrap();
    assert_eq!(signer(&KeyFile::load(&path).unwrap(), now() - SignedDuration::from_hours(1)), first);
}

#[test]
fn the_list_says_what_each_key_does_and_no_value() {
    let (_folder, path) = folder();
    KeyFile::load_or_create(&path, now()).unwrap();
    let later = now() + SignedDuration::from_hours(1);
    KeyFile::rotate_sealing(&path, later).unwrap();
    let rotated = KeyFile::rotate_signing(&path, later).unwrap();
    let file = KeyFile::load(&path).unwrap();
    let states = |at| file.list(at).iter().map(|key| (key.used_for, key.state)).collect::<Vec<_>>();
    let sealing = [(KeyUse::Sealing, KeyState::Active), (KeyUse::Sealing, KeyState::Former)];
    let before = [(KeyUse::Signing, KeyState::Published), (KeyUse::Signing, KeyState::Active)];
    let after = [(KeyUse::Signing, KeyState::Active), (KeyUse::Signing, KeyState::Former)];
    assert_eq!(states(later), [sealing, before].concat());
    assert_eq!(states(rotated.signs_from), [sealing, after].concat());
    assert_eq!(file.list(later)[1].created_at, Some(now()));
    let shown = format!("{:?} {file:?}", file.list(later));
    let text = std::fs::read_to_string(&path).unwrap();
    let values: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("key = ")).map(|value| value.trim_matches('"')).collect();
    assert_eq!(values.len(), 4);
    assert!(values.iter().all(|value| value.len() == 44 && !shown.contains(value)), "{shown}");
}

#[test]
fn a_damaged_file_is_refused_by_line_and_its_keys_are_not_shown() {
    let (_folder, path) = folder();
    KeyFile::load_or_create(&path, now()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix("key = ")).unwrap().trim_matches('"').to_owned();
    let damages = [
        text.replace("version = 1", "version = 2"),
        text.replace("version = 1", ""),
        text.replace("key = ", "schluessel = "),
        text.replace(&value, &value[..40]),
        text.replace(&value, &format!("{value}\n")),
        text.replace("[[sealing]]", "[[other]]"),
        text.replace("id = \"key-", "id = \"../"),
        format!("{text}\n[[signing]]\nid = \"x\"\ncreated_at = \"2026-03-01T12:00:00Z\"\nkey = {value}\n"),
        String::new(),
        "x".repeat(100_000),
    ];
    for damaged in damages {
        std::fs::write(&path, &damaged).unwrap();
        let refused = KeyFile::load(&path).unwrap_err();
        assert!(matches!(refused, SecretsError::BadKeys { .. }), "{refused:?}");
        let said = format!("{refused} {refused:?}");
        assert!(!said.contains(&value[..20]) && said.contains("secrets.toml"), "{said}");
        assert!(KeyFile::rotate_sealing(&path, now()).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged, "nothing is written over what cannot be read");
    }
}

#[test]
fn a_missing_file_is_not_made_by_those_who_need_one() {
    let (_folder, path) = folder();
    assert!(matches!(KeyFile::load(&path), Err(SecretsError::Io { doing: "read", .. })));
    assert!(matches!(KeyFile::rotate_signing(&path, now()), Err(SecretsError::Io { doing: "read", .. })));
}

#[tokio::test]
async fn a_running_program_keeps_its_keys_when_the_file_breaks() {
    let (_folder, path) = folder();
    let file = KeyFile::load_or_create(&path, now()).unwrap();
    let sealed = file.seal("c", b"x").await.unwrap();
    std::fs::write(&path, "broken").unwrap();
    assert!(file.look_for_unknown());
    assert_eq!(file.open("c", &sealed).await.unwrap().as_slice(), b"x");
    assert!(!file.look_for_unknown(), "not twice in a second");
}

#[tokio::test]
async fn keys_of_a_setting_seal_with_the_first_and_open_with_all() {
    let key = |letter: &str| format!("{}A", letter.repeat(42));
    let text = |text: String| KeyFile::from_text(&Secret::from(text)).unwrap();
    let old = text(format!("k1:{}", key("B")));
    let sealed = old.seal("c", b"x").await.unwrap();
    let published = text(format!("k1:{}=, k2:{}", key("B"), key("C")));
    let rotated = text(format!(" k2:{}, k1:{},", key("C"), key("B")));
    assert_eq!(rotated.open("c", &sealed).await.unwrap().as_slice(), b"x");
    let new = rotated.seal("c", b"y").await.unwrap();
    assert_eq!(sealed_with(&new), Some("k2"));
    assert_eq!(published.open("c", &new).await.unwrap().as_slice(), b"y");
    assert!(tokens(&published).verify(token(&rotated, now()).expose(), now()).is_ok());
    assert!(tokens(&rotated).verify(token(&published, now()).expose(), now()).is_ok());
    assert_eq!(rotated.pseudonym_key(), old.pseudonym_key(), "derived from the last");
    let told = text(format!("pseudonym:{},k2:{}", key("D"), key("C")));
    assert_ne!(told.pseudonym_key(), rotated.pseudonym_key());
    assert_eq!((told.kind(), told.list(now()).len()), ("environment", 2));
}

#[test]
fn a_wrong_setting_is_refused_by_entry_and_not_shown() {
    let good = "A".repeat(43);
    for (wrong, said) in [
        (String::new(), "no key"),
        (good.clone(), "entry 1"),
        (format!("k1:{good},k2:short"), "entry 2"),
        (format!("k1:{good},k1:{good}"), "id k1"),
        (format!("k 1:{good}"), "may have letters"),
        (format!("pseudonym:{good}"), "no key"),
        (format!("k1:{good}!"), "openssl rand"),
    ] {
        let message = KeyFile::from_text(&Secret::from(wrong.clone())).unwrap_err().to_string();
        assert!(message.contains("SECRET_KEYS") && message.contains(said) && !message.contains(&good[..20]), "{message}");
    }
}

#[tokio::test]
async fn a_running_program_takes_new_keys_by_itself() {
    let (_folder, path) = folder();
    let running = KeyFile::load_or_create(&path, now()).unwrap();
    let id = KeyFile::rotate_sealing(&path, now()).unwrap();
    let seals_with = async || sealed_with(&running.seal("c", b"x").await.unwrap()).unwrap().to_owned();
    assert_ne!(seals_with().await, id, "it has looked a moment ago");
    running.looked().at = Instant::now().checked_sub(LOOK_AGAIN).unwrap();
    assert_eq!(seals_with().await, id);
}
