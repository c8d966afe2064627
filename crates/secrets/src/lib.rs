//! Where secrets come from and how they are kept: sealing at rest, signing keys, access tokens.
