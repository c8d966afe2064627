//! Azure Speech has no judge: Microsoft's SDK is a native library that speaks a WebSocket protocol of its own and does not use the REST interface.
//! So the adapter's request is compared with the one that Microsoft documents ("Text to speech REST API", sample request).

use anyhow::Result;
use privacy::Secret;
use resilience::{Guards, Service};
use speech::vendor::azure::{AzurePlace, AzureSpeech, AzureSpeechConfig};
use speech::{SpeakRequest, TextToSpeech};

use crate::recorder::Recorder;

#[tokio::test]
async fn the_adapter_asks_as_microsoft_documents_it() -> Result<()> {
    let recorder = Recorder::start().await;
    let config = AzureSpeechConfig::new(AzurePlace::Address(recorder.url.clone()), Secret::from("a-key".to_owned()));
    let adapter = AzureSpeech::new(config, Guards::default().of(Service::AzureSpeech))?;
    for (rate, format) in [(8000, "raw-8khz-8bit-mono-mulaw"), (16_000, "raw-16khz-16bit-mono-pcm")] {
        let request = SpeakRequest { text: "Tom & Ann".into(), voice: "en-US-JennyNeural".into(), language: "en-US".into(), rate };
        assert!(adapter.speak(request, &Default::default()).await.is_err());
        let ours = recorder.take();
        assert_eq!((ours.method.as_str(), ours.path.as_str(), ours.query.as_str()), ("POST", "/cognitiveservices/v1", ""));
        assert_eq!(ours.header("ocp-apim-subscription-key"), "a-key");
        assert_eq!(ours.header("content-type"), "application/ssml+xml");
        assert_eq!(ours.header("x-microsoft-outputformat"), format);
        assert!((1..255).contains(&ours.header("user-agent").len()));
        let document = "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"en-US\">\
                        <voice name=\"en-US-JennyNeural\">Tom &amp; Ann</voice></speak>";
        assert_eq!(std::str::from_utf8(&ours.body)?, document);
    }
    Ok(())
}
