//! What is particular to the built-in PMS; what every PMS does is in [`crate::contract`].

use jiff::civil::date;
use testkit::postgres::PostgresServer;

use super::*;
use crate::contract::{self, House, booking, stay};

async fn open(database: Database) -> (BuiltInPms, Arc<Mutex<Timestamp>>) {
    let now: Arc<Mutex<Timestamp>> = Arc::new(Mutex::new(contract::START.parse().unwrap()));
    let clock: Clock = Arc::new({
        let now = Arc::clone(&now);
        move || *now.lock().unwrap()
    });
    let property = Property::harbour_view().unwrap();
    (BuiltInPms::open(database, clock, Rng::with_seed(1), &property).await.unwrap(), now)
}

async fn house(database: Database) -> House {
    let (pms, now) = open(database).await;
    House { pms: Arc::new(pms), now }
}

/// An empty database on a real PostgreSQL server.
async fn postgres() -> Database {
    let server = PostgresServer::shared().await.unwrap();
    let url = server.database().await.unwrap();
    Database::migrate(&url).await.unwrap();
    Database::connect(&url).await.unwrap()
}

/// The whole contract, in memory, in a file, and on a server; there as one test, so that one server is started and not twelve.
macro_rules! contract {
    ($($story:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $story() {
            contract::$story(house(Database::in_memory().await.unwrap()).await).await;
            let place = tempfile::tempdir().unwrap();
            contract::$story(house(Database::open(place.path()).await.unwrap()).await).await;
        })*

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn every_story_holds_on_postgresql() {
            $(let database = postgres().await;
            println!("{}", stringify!($story));
            contract::$story(house(database.clone()).await).await;
            database.close().await;)*
        }
    };
}

contract!(
    every_night_is_there_and_sums_to_the_total,
    a_booking_is_made_read_changed_and_cancelled,
    what_is_not_there_is_not_found,
    a_stay_keeps_the_rules_of_the_house,
    the_last_room_is_sold_once,
    one_key_makes_one_booking,
    the_departure_day_is_free_for_the_next_guest,
    a_change_may_use_its_own_room_but_nobody_elses,
    cancelling_twice_costs_once,
    cancelling_is_free_until_the_evening_before,
    today_is_the_hotels_today,
    a_check_works_and_takes_no_room,
);

#[tokio::test]
async fn every_statement_fits_both_schemas() {
    for database in [Database::in_memory().await.unwrap(), postgres().await] {
        store::contract::statements_fit(&database, sql::ALL).await;
    }
}

/// Two instances open their hotel at the same time, and sell its last room at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_share_one_hotel() {
    let url = PostgresServer::shared().await.unwrap().database().await.unwrap();
    Database::migrate(&url).await.unwrap();
    let (one, two) = tokio::join!(Database::connect(&url), Database::connect(&url));
    let ((one, _), (two, _)) = tokio::join!(open(one.unwrap()), open(two.unwrap()));
    let houses = [Arc::new(one), Arc::new(two)];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..12 {
        let pms = Arc::clone(&houses[number % 2]);
        // Three suites; every second pair of askers uses the same key.
        tasks.spawn(async move { pms.create_booking(&booking("suite", date(2027, 1, 20), 2), &format!("key {}", number / 2)).await });
    }
    let answers = tasks.join_all().await;
    let codes: std::collections::HashSet<_> = answers.iter().filter_map(|answer| Some(answer.as_ref().ok()?.code.clone())).collect();
    assert_eq!((codes.len(), answers.iter().filter(|answer| answer.is_ok()).count()), (3, 6), "{answers:?}");
}

/// Two workspaces with a hotel each: what is booked, priced or known in one is not there in the other.
#[tokio::test]
async fn one_workspaces_hotel_is_not_there_for_another() {
    let place = tempfile::tempdir().unwrap();
    for database in [Database::open(place.path()).await.unwrap(), postgres().await] {
        let (ours, _) = open(database.clone()).await;
        let clock: Clock = Arc::new(|| contract::START.parse().unwrap());
        let stranger = call::TenantId(Uuid::from_u128(9));
        let taken = Property { tenant: stranger, ..Property::harbour_view().unwrap() };
        let refused = BuiltInPms::open(database.clone(), Arc::clone(&clock), Rng::with_seed(2), &taken).await.err();
        assert!(matches!(refused, Some(PmsError::Config(ref why)) if why.contains("is taken")), "{refused:?}");
        let seed = Property { code: "inn".into(), ..taken };
        let theirs = BuiltInPms::open(database.clone(), clock, Rng::with_seed(2), &seed).await.unwrap();
        let made = theirs.create_booking(&booking("suite", date(2027, 1, 20), 2), "key").await.unwrap();
        for asked in
            [ReservationQuery::Code(made.code.clone()), ReservationQuery::Phone(made.phone.clone().unwrap()), ReservationQuery::Latest]
        {
            assert!(ours.find_reservations(&asked).await.unwrap().is_empty(), "{asked:?}");
        }
        assert!(matches!(ours.cancel(&made.id, "cancel").await, Err(PmsError::NotFound)));
        // Also with the property's own code, as a wrong setting might have it.
        let muddled = BuiltInPms { property: Property { tenant: call::TenantId::DEFAULT, ..seed }, ..theirs };
        assert!(muddled.find_reservations(&ReservationQuery::Code(made.code.clone())).await.unwrap().is_empty());
        assert!(matches!(muddled.quote_change(&made.id, &crate::Change::default()).await, Err(PmsError::NotFound)));
        let offers = muddled.search_offers(&stay(20, 2)).await.unwrap();
        assert!(offers.iter().all(|offer| offer.room_type != "suite" || offer.rooms_left == 3), "{offers:?}");
    }
}

#[tokio::test]
async fn the_hotel_is_stored_once_and_then_stands() {
    let place = tempfile::tempdir().unwrap();
    let (pms, _) = open(Database::open(place.path()).await.unwrap()).await;
    let made = pms.create_booking(&booking("double", date(2027, 1, 20), 2), "key").await.unwrap();
    drop(pms);
    let seed = Property { name: "Another".into(), ..Property::harbour_view().unwrap() };
    let clock: Clock = Arc::new(|| contract::START.parse().unwrap());
    let again = BuiltInPms::open(Database::open(place.path()).await.unwrap(), clock, Rng::with_seed(2), &seed).await.unwrap();
    assert_eq!(again.property().await.unwrap(), Property::harbour_view().unwrap());
    assert_eq!(again.find_reservations(&ReservationQuery::Code(made.code.clone())).await.unwrap(), [made]);
}

#[tokio::test]
async fn a_night_may_have_a_price_of_its_own_and_bookings_keep_theirs() {
    let (pms, _) = open(Database::in_memory().await.unwrap()).await;
    let made = pms.create_booking(&booking("double", date(2027, 1, 20), 2), "key").await.unwrap();
    pms.set_rate("double", date(2027, 1, 21), Decimal::new(15_050, 2)).await.unwrap();
    pms.set_rate("double", date(2027, 1, 22), Decimal::new(9_999, 2)).await.unwrap();
    let offers = pms.search_offers(&stay(20, 3)).await.unwrap();
    assert_eq!(offers[1].total.plain(), "370.49");
    let change = Change { nights: Some(3), ..Change::default() };
    let quote = pms.quote_change(&made.id, &change).await.unwrap();
    assert_eq!((quote.total.plain(), quote.difference.plain()), ("339.99".into(), "99.99".into()));
    pms.set_rate("double", date(2027, 1, 22), Decimal::new(12_000, 2)).await.unwrap();
    assert!(matches!(pms.apply_change(&made.id, &quote, "change").await, Err(PmsError::Rule(Rule::PriceChanged))));
}

#[tokio::test]
async fn a_taken_code_is_not_given_again() {
    let database = Database::in_memory().await.unwrap();
    let (one, _) = open(database.clone()).await;
    // The same seed draws the same codes.
    let (two, _) = open(database).await;
    let first = one.create_booking(&booking("double", date(2027, 1, 20), 2), "one").await.unwrap();
    let second = two.create_booking(&booking("double", date(2027, 1, 20), 2), "two").await.unwrap();
    assert_ne!(first.code, second.code);
}

#[tokio::test]
async fn drawing_codes_has_a_limit() {
    let database = Database::in_memory().await.unwrap();
    let (one, _) = open(database.clone()).await;
    for number in 0..BuiltInPms::CODE_TRIES {
        // Five single rooms a night.
        let night = date(2027, 2, 1 + i8::try_from(number / 5).unwrap());
        one.create_booking(&booking("single", night, 1), &format!("early {number}")).await.unwrap();
    }
    let (two, _) = open(database).await;
    let answer = two.create_booking(&booking("suite", date(2027, 1, 20), 2), "late").await;
    assert!(matches!(answer, Err(PmsError::Config(_))), "{answer:?}");
}
