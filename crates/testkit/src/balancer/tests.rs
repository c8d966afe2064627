//! Stories of houses behind a balancer.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A backend that answers its probe with a status that can be changed, and everything else with its name; a connection that says `stay`
/// is kept and echoed.
struct House {
    address: SocketAddr,
    ready: Arc<Mutex<&'static str>>,
    task: JoinHandle<()>,
}

impl House {
    async fn build(name: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let ready = Arc::new(Mutex::new("200 OK"));
        let status = Arc::clone(&ready);
        let task = tokio::spawn(async move {
            let mut guests = tokio::task::JoinSet::new();
            while let Ok((guest, _)) = listener.accept().await {
                let status = *status.lock().unwrap();
                guests.spawn(serve(guest, name, status));
            }
        });
        Self { address, ready, task }
    }

    fn says(&self, status: &'static str) {
        *self.ready.lock().unwrap() = status;
    }
}

async fn serve(mut guest: TcpStream, name: &str, status: &str) {
    let mut buffer = [0; 1024];
    let Ok(read) = guest.read(&mut buffer).await else { return };
    if buffer.starts_with(b"reset") {
        guest.set_zero_linger().unwrap();
        return;
    }
    if buffer.starts_with(b"stay") {
        let _ = guest.write_all(name.as_bytes()).await;
        while let Ok(read @ 1..) = guest.read(&mut buffer).await {
            let _ = guest.write_all(&buffer[..read]).await;
        }
        return;
    }
    let probe = buffer[..read].starts_with(b"GET /health/ready ");
    let (status, body) = if probe { (status, "") } else { ("200 OK", name) };
    let _ = guest.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
}

fn quick() -> BalancerOptions {
    BalancerOptions { health_period: Duration::from_millis(20), ..BalancerOptions::default() }
}

async fn balanced(houses: &[&House], options: BalancerOptions) -> Balancer {
    let balancer = Balancer::start(options).await.unwrap();
    for (place, house) in houses.iter().enumerate() {
        balancer.put(place, house.address).unwrap();
    }
    balancer.until_in_rotation(houses.len(), Duration::from_secs(5)).await.unwrap();
    balancer
}

async fn who_answers(balancer: &Balancer) -> Option<String> {
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    http.get(balancer.url()).send().await.ok()?.text().await.ok()
}

#[tokio::test]
async fn connections_go_in_turn_to_those_who_are_ready() {
    let (a, b) = (House::build("a").await, House::build("b").await);
    let balancer = balanced(&[&a, &b], quick()).await;
    let mut answers = vec![who_answers(&balancer).await.unwrap(), who_answers(&balancer).await.unwrap()];
    answers.sort();
    assert_eq!(answers, ["a", "b"]);

    b.says("503 Service Unavailable");
    balancer.until_in_rotation(1, Duration::from_secs(5)).await.unwrap();
    for _ in 0..4 {
        assert_eq!(who_answers(&balancer).await.unwrap(), "a");
    }
    b.says("200 OK");
    balancer.until_in_rotation(2, Duration::from_secs(5)).await.unwrap();
    let counts = balancer.counts();
    assert_eq!((counts[0].opened, counts[1].opened), (5, 1), "{counts:?}");
}

#[tokio::test]
async fn an_open_connection_stays_where_it_is_when_its_house_leaves_the_rotation() {
    let a = House::build("a").await;
    let balancer = balanced(&[&a], quick()).await;
    let mut guest = TcpStream::connect(balancer.address()).await.unwrap();
    guest.write_all(b"stay").await.unwrap();
    let mut said = [0; 1];
    guest.read_exact(&mut said).await.unwrap();
    a.says("503 Service Unavailable");
    balancer.until_in_rotation(0, Duration::from_secs(5)).await.unwrap();
    guest.write_all(b"x").await.unwrap();
    guest.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"x");
    assert_eq!(balancer.counts()[0].open, 1);
    assert_eq!(who_answers(&balancer).await.unwrap(), "a", "one that is merely not ready is better than none");
}

#[tokio::test]
async fn a_house_that_fell_down_costs_nobody_a_connection() {
    let (a, b) = (House::build("a").await, House::build("b").await);
    // Probes are too rare to notice: only the failed connection tells.
    let balancer = balanced(&[&a, &b], quick()).await;
    a.task.abort();
    let _ = a.task.await;
    for _ in 0..4 {
        assert_eq!(who_answers(&balancer).await.unwrap(), "b");
    }
}

#[tokio::test]
async fn a_connection_is_held_until_a_house_stands_again() {
    let a = House::build("a").await;
    let balancer = balanced(&[&a], BalancerOptions { hold: Duration::from_secs(10), ..quick() }).await;
    a.task.abort();
    let _ = a.task.await;
    let asking = async { who_answers(&balancer).await.unwrap() };
    let building = async {
        let again = House::build("again").await;
        balancer.put(0, again.address).unwrap();
        again
    };
    let (answer, _again) = tokio::join!(asking, building);
    assert_eq!(answer, "again");

    let none = balanced(&[], quick()).await;
    assert_eq!(who_answers(&none).await, None, "without a hold it is closed at once");
}

#[tokio::test]
async fn a_reset_is_passed_on_as_a_reset_and_an_end_as_an_end() {
    let a = House::build("a").await;
    let balancer = balanced(&[&a], quick()).await;
    let mut guest = TcpStream::connect(balancer.address()).await.unwrap();
    guest.write_all(b"reset").await.unwrap();
    let fault = guest.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(fault.kind(), std::io::ErrorKind::ConnectionReset);

    let mut guest = TcpStream::connect(balancer.address()).await.unwrap();
    guest.write_all(b"stay").await.unwrap();
    guest.read_exact(&mut [0; 1]).await.unwrap();
    a.task.abort();
    let _ = a.task.await;
    assert_eq!(guest.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn lasting_connections_are_spread_evenly() {
    let (a, b) = (House::build("a").await, House::build("b").await);
    let balancer = balanced(&[&a, &b], quick()).await;
    let mut guests = Vec::new();
    for _ in 0..6 {
        // Each call begins with a short connection.
        who_answers(&balancer).await.unwrap();
        let mut guest = TcpStream::connect(balancer.address()).await.unwrap();
        guest.write_all(b"stay").await.unwrap();
        guest.read_exact(&mut [0; 1]).await.unwrap();
        guests.push(guest);
    }
    let open: Vec<_> = balancer.counts().iter().map(|backend| backend.open).collect();
    assert!(open.iter().all(|open| (2..=4).contains(open)), "{open:?}");
}
