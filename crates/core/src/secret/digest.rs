//! Digests by which a secret can be recognised and not guessed.

use std::fmt;
use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key of a state folder. It never leaves it: a digest without its key tells nothing, however short the secret.
#[derive(Clone)]
pub struct DigestKey(Zeroizing<[u8; 32]>);

impl DigestKey {
    /// Wraps 32 random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// `hmac-sha256:` and 64 hexadecimal digits.
    pub fn digest(&self, value: &[u8]) -> String {
        let mut text = String::from("hmac-sha256:");
        // HMAC takes keys of every length, so this cannot fail; an empty digest would only be "unknown".
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else { return text };
        mac.update(value);
        for byte in mac.finalize().into_bytes() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(…)")
    }
}
