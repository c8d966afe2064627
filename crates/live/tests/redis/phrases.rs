//! Shared phrases on a real server.

use std::time::{Duration, Instant};

use live::contract::Stage;
use live::{KeptPhrases, LiveError, Rules};

use super::stage::Place;

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test]
async fn phrases_are_read_back_by_every_instance_stay_within_their_bytes_and_go_in_time() {
    let mut place = Place::alone(Rules::default()).await;
    let redis = place.other();
    assert_eq!(redis.phrase("a").await.unwrap(), None);
    let kept = redis.keep_phrase("a", &[0, 255, 7], DAY, 1_000).await.unwrap();
    assert_eq!(kept, KeptPhrases { bytes: 3, entries: 1, evicted: 0 });
    assert_eq!(place.redis().phrase("a").await.unwrap(), Some(vec![0, 255, 7]));
    // Again, and larger: counted once.
    let kept = redis.keep_phrase("a", &[1; 400], DAY, 1_000).await.unwrap();
    assert_eq!((kept.bytes, kept.entries), (400, 1));
    redis.keep_phrase("b", &[2; 500], DAY * 2, 1_000).await.unwrap();
    let kept = redis.keep_phrase("c", &[3; 300], DAY * 2, 1_000).await.unwrap();
    assert_eq!(kept, KeptPhrases { bytes: 800, entries: 2, evicted: 1 });
    assert_eq!(redis.phrase("a").await.unwrap(), None, "it would have gone first");
    assert_eq!(redis.keep_phrase("d", &[3; 1_001], DAY, 1_000).await.unwrap().entries, 2, "one that is too large leaves the others");
    redis.forget_phrase("b").await.unwrap();
    redis.forget_phrase("b").await.unwrap();
    assert_eq!(redis.keep_phrase("e", &[4; 10], DAY, 1_000).await.unwrap(), KeptPhrases { bytes: 310, entries: 2, evicted: 0 });
    // What has gone by itself is not counted any more, and at last nothing is left.
    place.advance(DAY + Duration::from_secs(1)).await;
    assert_eq!(redis.phrase("e").await.unwrap(), None);
    assert_eq!(redis.keep_phrase("f", &[5; 20], DAY, 1_000).await.unwrap(), KeptPhrases { bytes: 320, entries: 2, evicted: 0 });
    place.advance(DAY * 2).await;
    assert_eq!(place.server().ask("DBSIZE").await.unwrap(), ["0"]);
}

#[tokio::test]
async fn without_the_server_it_says_so_at_once() {
    let mut place = Place::alone(Rules::default()).await;
    place.server().stop();
    assert!(matches!(place.redis().phrase("a").await, Err(LiveError::Unavailable { .. })));
    let began = Instant::now();
    assert!(matches!(place.redis().phrase("a").await, Err(LiveError::Unavailable { .. })));
    assert!(began.elapsed() < Duration::from_millis(5), "{:?}", began.elapsed());
}
