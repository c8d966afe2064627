//! One phrase being made, and everyone who listens to it meanwhile.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::{SpeakRequest, SpeechError, SpeechStream, TextToSpeech};

/// Pieces made ahead of one listener.
const AHEAD: usize = 2;

/// A phrase in the making.
pub(super) struct Flight {
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Progress {
    pieces: Vec<Arc<[i16]>>,
    end: Option<Result<(), SpeechError>>,
}

impl Flight {
    pub(super) fn new() -> Self {
        Self { progress: watch::Sender::new(Progress::default()) }
    }

    /// Lets the engine speak; the whole phrase when all went well.
    pub(super) async fn fly(&self, tts: Arc<dyn TextToSpeech>, request: SpeakRequest) -> Option<Arc<[i16]>> {
        let (name, text) = (tts.name(), request.text.clone());
        let mut end = self.collect(tts, request).await;
        let whole: Arc<[i16]> = self.progress.borrow().pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        if end.is_ok() && whole.iter().all(|sample| *sample == 0) {
            end = Err(SpeechError::SilentAudio { engine: name, text });
        }
        let good = end.is_ok();
        self.progress.send_modify(|progress| progress.end = Some(end));
        good.then_some(whole)
    }

    async fn collect(&self, tts: Arc<dyn TextToSpeech>, request: SpeakRequest) -> Result<(), SpeechError> {
        let mut stream = tts.speak(request, &call::Meter::default()).await?;
        while let Some(piece) = stream.recv().await {
            let piece = piece?;
            self.progress.send_modify(|progress| progress.pieces.push(piece));
        }
        Ok(())
    }

    /// A stream from the beginning of the phrase, at the listener's own pace.
    pub(super) fn follow(&self) -> SpeechStream {
        let (pieces, stream) = mpsc::channel(AHEAD);
        let mut progress = self.progress.subscribe();
        tokio::spawn(async move {
            let mut heard = 0;
            loop {
                let (new, end) = {
                    let now = progress.borrow_and_update();
                    (now.pieces[heard..].to_vec(), now.end.clone())
                };
                heard += new.len();
                for piece in new {
                    if pieces.send(Ok(piece)).await.is_err() {
                        return;
                    }
                }
                if let Some(end) = end {
                    if let Err(error) = end {
                        let _ = pieces.send(Err(error)).await;
                    }
                    return;
                }
                let more = tokio::select! {
                    more = progress.changed() => more,
                    () = pieces.closed() => return,
                };
                if more.is_err() {
                    let _ = pieces.send(Err(SpeechError::Stopped { engine: "the speech engine" })).await;
                    return;
                }
            }
        });
        stream
    }
}
