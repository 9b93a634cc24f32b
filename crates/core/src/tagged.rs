//! Reading the enums of a journal, whose tag is written first: `{"type":"started",…}`.
//!
//! The derived reading of such an enum keeps the whole content in memory before it looks for the tag, which made up a third of reading a journal back.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor};

/// An enum that can be read once its tag is known.
pub(crate) trait Tagged<'de>: Sized {
    /// The tag's key.
    const KEY: &'static str;

    /// Reads what follows the tag.
    fn rest<A: MapAccess<'de>>(tag: &str, rest: A) -> Result<Self, A::Error>;
}

/// Reads an enum of which the tag comes first, as all that this program writes.
///
/// # Errors
///
/// Another key comes first, the tag is unknown, or the content does not fit.
pub(crate) fn deserialize<'de, T: Tagged<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(Reading(PhantomData))
}

struct Reading<T>(PhantomData<T>);

impl<'de, T: Tagged<'de>> Visitor<'de> for Reading<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map that begins with `{}`", T::KEY)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        match map.next_key::<Cow<'de, str>>()? {
            Some(key) if key == T::KEY => {
                let tag = map.next_value::<Cow<'de, str>>()?;
                T::rest(&tag, map)
            }
            _ => Err(A::Error::custom(format_args!("`{}` has to come first", T::KEY))),
        }
    }
}
