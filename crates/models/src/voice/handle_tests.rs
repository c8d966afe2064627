//! What a call may rely on whatever the vendor does.

use super::*;

fn session() -> (Handle, mpsc::Receiver<Order>, mpsc::Sender<Tagged>) {
    let (orders, taken) = mpsc::channel(MAX_ORDERS);
    let (report, events) = mpsc::channel(MAX_EVENTS);
    (Handle::new("openai_realtime", 8000, orders, events), taken, report)
}

fn sound(taken: &mut mpsc::Receiver<Order>) -> Vec<usize> {
    std::iter::from_fn(|| taken.try_recv().ok())
        .filter_map(|order| if let Order::Audio(pcm) = order { Some(pcm.len()) } else { None })
        .collect()
}

#[tokio::test]
async fn nothing_is_sent_before_the_caller_speaks_and_then_in_pieces() {
    let (mut session, mut taken, _report) = session();
    session.push(&[1; 800]);
    assert!(taken.try_recv().is_err());
    session.start();
    (0..7).for_each(|_| session.push(&[1; 160]));
    assert_eq!(sound(&mut taken), [480, 480]);
    session.finish();
    assert_eq!(sound(&mut taken), [160]);
    session.push(&[1; 800]);
    assert!(taken.try_recv().is_err(), "the utterance is over");
}

#[tokio::test]
async fn an_utterance_without_end_is_cut() {
    let (mut session, mut taken, _report) = session();
    session.start();
    let mut sent = 0;
    for _ in 0..40 {
        session.push(&[1; 8000]);
        sent += sound(&mut taken).iter().sum::<usize>();
    }
    assert_eq!(sent, 30 * 8000);
}

#[tokio::test]
async fn a_service_that_takes_nothing_fails_the_session_and_blocks_nobody() {
    let (mut session, taken, _report) = session();
    session.start();
    session.push(&vec![1; 480 * (MAX_ORDERS + 1)]);
    assert!(matches!(session.next().await, VoiceEvent::Failed(ModelError::Service { fault: Fault::Cut(_), .. })));
    assert!(taken.is_closed() || taken.len() == MAX_ORDERS);
}

#[tokio::test]
async fn what_waited_of_an_answer_that_was_cut_off_is_not_reported() {
    let (mut session, mut taken, report) = session();
    let old = VoiceEvent::Audio(vec![1; 80].into());
    report.send(Tagged { epoch: 0, event: old.clone() }).await.unwrap();
    report.send(Tagged { epoch: 0, event: VoiceEvent::Answered { tools: false } }).await.unwrap();
    let wish = crate::ToolCall { id: "call1".into(), name: "look".into(), arguments: "{}".into() };
    report.send(Tagged { epoch: 0, event: VoiceEvent::Call(wish) }).await.unwrap();
    report.send(Tagged { epoch: 0, event: VoiceEvent::CallerText("stop".into()) }).await.unwrap();
    session.interrupt(0);
    report.send(Tagged { epoch: 1, event: VoiceEvent::Audio(vec![2; 80].into()) }).await.unwrap();
    assert!(matches!(session.next().await, VoiceEvent::CallerText(_)));
    assert!(matches!(session.next().await, VoiceEvent::Audio(pcm) if pcm[0] == 2));
    assert!(matches!(taken.try_recv(), Ok(Order::Interrupt { .. })));
    assert!(matches!(taken.try_recv(), Ok(Order::ToolDropped(id)) if id == "call1"));
}
