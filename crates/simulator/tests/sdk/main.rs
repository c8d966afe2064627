//! The vendors' own SDKs talk to the simulator: that they understand it is the proof that it speaks as the vendors do.
//!
//! They need the Python environment that `./test` installs (`VOICENOOB_SDK_PYTHON`). Each test runs a short script in `tests/sdk/*.py`.

mod riva;
