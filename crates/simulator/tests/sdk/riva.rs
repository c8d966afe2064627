//! NVIDIA's SDK: its client talks to the simulator, and our adapter to a server made of the stubs that it ships.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use resilience::{Guard, Service};
use riva::ChannelsConfig;
use simulator::{Simulator, Vendor};
use speech::vendor::riva::{Riva, RivaConfig};
use speech::{Domain, Listening, RecognitionEvent, SpeechToText};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::judge::{judge, page};

/// Importing the SDK on a busy machine takes seconds; what has not finished after this hangs.
const LIMIT: Duration = Duration::from_secs(120);

fn script(name: &str, arguments: &[&str]) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = here.join("../../target/sdk-venv/bin/python");
    let python = std::env::var_os("VOICENOOB_SDK_PYTHON").map_or(made, PathBuf::from);
    let mut command = Command::new(python);
    command.arg(here.join("tests/sdk").join(name)).args(arguments).kill_on_drop(true);
    command
}

#[tokio::test]
async fn nvidias_client_understands_the_simulator() {
    let simulator = Simulator::quick().await.unwrap();
    let address = simulator.url(Vendor::Riva).replace("http://", "");
    judge("riva_client.py", &[&address, &page(&simulator, Vendor::Riva)]).await.unwrap();
    let seen = simulator.seen(Vendor::Riva);
    assert_eq!((seen.troubled, seen.open), (4, 0), "each was met once: nothing was tried again");
}

fn guard() -> Guard {
    Guard::new(Service::Riva, Service::Riva.policy())
}

/// A server of the SDK's stubs, its address, and its certificate in hexadecimal digits, if it has one.
async fn server(arguments: &[&str]) -> (Child, String, String) {
    let mut server = script("riva_server.py", arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = timeout(LIMIT, lines.next_line()).await.expect("the server did not start").unwrap().expect("no port");
    let (port, certificate) = line.split_once(' ').unwrap();
    (server, format!("127.0.0.1:{port}"), certificate.to_owned())
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_and_one_of_a_known_authority_is_not() {
    let (_server, address, certificate) = server(&["tls"]).await;
    let url = format!("https://{address}");
    let stranger = Riva::new(ChannelsConfig::new(&url), guard(), RivaConfig::default()).unwrap();
    let refused = timeout(LIMIT, stranger.check()).await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    let digits: Vec<u8> = certificate.bytes().map(|digit| (digit as char).to_digit(16).unwrap() as u8).collect();
    let pem = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as char).collect();
    let known = ChannelsConfig { authority: Some(pem), ..ChannelsConfig::new(&url) };
    timeout(LIMIT, Riva::new(known, guard(), RivaConfig::default()).unwrap().check()).await.unwrap().unwrap();
}

#[tokio::test]
async fn our_ears_ask_a_server_of_nvidias_stubs_as_its_client_does() {
    let (_server, address, _) = server(&[]).await;
    let ears = Riva::new(ChannelsConfig::new(format!("http://{address}")), guard(), RivaConfig::default()).unwrap();
    let states = BTreeMap::from([("ask".to_owned(), vec!["the mezzanine suite".to_owned()])]);
    let domain = Arc::new(Domain { name: "hotel".into(), states, background: Vec::new() });
    timeout(LIMIT, ears.check()).await.unwrap().unwrap();
    let mut call = ears.open(Listening::plain(domain, 8000)).await.unwrap();
    call.start();
    (0..50).for_each(|_| call.push(&[1000; 160]));
    assert!(matches!(timeout(LIMIT, call.next()).await.unwrap(), RecognitionEvent::Partial(_)), "while the caller still speaks");
    call.finish();
    let heard = loop {
        match timeout(LIMIT, call.next()).await.unwrap() {
            RecognitionEvent::Final(heard) => break heard,
            RecognitionEvent::Failed(fault) => panic!("{fault}"),
            _ => {}
        }
    };
    // The server says what it was asked; the resampler's end makes it a little more than a second.
    let seconds: f32 = heard.written.strip_prefix("as the client asks for ").expect(&heard.written).parse().unwrap();
    assert!((1.0..1.01).contains(&seconds), "{}", heard.written);
    assert_eq!((heard.words.len(), heard.words[0].text.as_str(), heard.words[0].confidence), (1, "as", 0.5));
}
