"""A server made of the stubs that NVIDIA's SDK ships. It compares what it is asked with what NVIDIA's client would ask, and says so."""

import datetime
import ipaddress
import sys
from concurrent import futures

import grpc
import riva.client
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from riva.client.proto import health_pb2, health_pb2_grpc, riva_asr_pb2, riva_asr_pb2_grpc

MODEL = "conformer-en-US-asr-streaming"


def as_the_client_asks(hints):
    config = riva.client.StreamingRecognitionConfig(
        config=riva.client.RecognitionConfig(
            encoding=riva.client.AudioEncoding.LINEAR_PCM,
            sample_rate_hertz=16000,
            language_code="en-US",
            model=MODEL,
            max_alternatives=1,
            audio_channel_count=1,
            enable_word_time_offsets=True,
            verbatim_transcripts=True,
        ),
        interim_results=True,
    )
    riva.client.add_word_boosting_to_config(config, hints, 20.0)
    return config


def answer(text, is_final):
    word = riva_asr_pb2.WordInfo(word="as", confidence=0.5, start_time=0, end_time=100)
    best = riva_asr_pb2.SpeechRecognitionAlternative(transcript=text, confidence=0.5, words=[word])
    result = riva_asr_pb2.StreamingRecognitionResult(alternatives=[best], is_final=is_final, stability=0.5, channel_tag=1)
    return riva_asr_pb2.StreamingRecognizeResponse(results=[result])


class Recognition(riva_asr_pb2_grpc.RivaSpeechRecognitionServicer):
    def GetRivaSpeechRecognitionConfig(self, request, context):
        parameters = {"type": "online", "language_code": "en-US", "sample_rate": "16000"}
        config = riva_asr_pb2.RivaSpeechRecognitionConfigResponse.Config(model_name=MODEL, parameters=parameters)
        return riva_asr_pb2.RivaSpeechRecognitionConfigResponse(model_config=[config])

    def StreamingRecognize(self, requests, context):
        first = next(requests)
        asked = first.streaming_config
        # A check has no words to listen for.
        same = [as_the_client_asks(["mezzanine", "suite"]), as_the_client_asks(None)]
        text = "as the client asks" if first.HasField("streaming_config") and asked in same else f"not so: {asked}"
        size = 0
        for request in requests:
            if not request.HasField("audio_content"):
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "sound was expected")
            size += len(request.audio_content)
            yield answer(text, False)
        yield answer(f"{text} for {size / 32000}", True)


class Health(health_pb2_grpc.HealthServicer):
    def Check(self, request, context):
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


def credentials():
    """A certificate that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server of a test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    pem = builder.add_extension(address, False).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return pem, grpc.ssl_server_credentials([(secret, pem)])


server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
riva_asr_pb2_grpc.add_RivaSpeechRecognitionServicer_to_server(Recognition(), server)
health_pb2_grpc.add_HealthServicer_to_server(Health(), server)
if "tls" in sys.argv:
    pem, secret = credentials()
    port = server.add_secure_port("127.0.0.1:0", secret)
else:
    pem, port = b"", server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, pem.hex(), flush=True)
# Until whoever started it goes away.
sys.stdin.read()
