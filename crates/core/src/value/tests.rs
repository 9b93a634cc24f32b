use std::time::Duration as Std;

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

#[test]
fn durations_are_read_as_people_write_them() {
    for (text, millis) in [
        ("30s", 30_000),
        ("1h 30m", 5_400_000),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("500ms", 500),
        ("0s", 0),
        ("PT5M", 300_000),
        ("P1DT1S", 86_401_000),
        ("P2D", 172_800_000),
    ] {
        assert_eq!(Duration::parse(text).map(Duration::get), Ok(Std::from_millis(millis)), "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused() {
    for text in ["", "30", "-3s", "s", "1h  30m", " 1h", "1h ", "5x", "P", "PT", "P1DT", "PT1S1M", "1.5h", "9999999999s", "３s"] {
        assert!(Duration::parse(text).is_err(), "{text}");
    }
    assert_eq!(
        Duration::parse("5x").map_err(|e| e.to_string()),
        Err("`5x` is not a duration such as `30s`, `10m`, `1h 30m` or `PT5M`".to_owned())
    );
}

#[test]
fn durations_are_shown_in_the_units_of_people() {
    for (text, shown) in [("90s", "1m 30s"), ("0s", "0s"), ("1500ms", "1s 500ms"), ("PT36H", "1d 12h")] {
        assert_eq!(Duration::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn sizes_tell_powers_of_two_from_powers_of_ten() {
    for (text, bytes) in [("512MiB", 512 << 20), ("8GiB", 8 << 30), ("10GB", 10_000_000_000), ("1.5kB", 1_500), ("0.5 KiB", 512), ("7B", 7)]
    {
        assert_eq!(ByteSize::parse(text).map(ByteSize::get), Ok(bytes), "{text}");
    }
    for text in ["", "8g", "8G", "MiB", "-1B", "1e3B", "1.B", "1000000TiB "] {
        assert!(ByteSize::parse(text).is_err(), "{text}");
    }
    assert_eq!(ByteSize::new(8 << 30).to_string(), "8GiB");
    assert_eq!(ByteSize::new(1_500).to_string(), "1500B");
}

#[test]
fn modes_are_octal() {
    assert_eq!(OctalMode::parse("0640").map(OctalMode::get), Ok(0o640));
    assert!(OctalMode::parse("680").is_err());
    assert!(serde_json::from_value::<OctalMode>(json!(640)).is_err());
}

/// Whether the type and its own schema agree about a value.
fn agree<T: DeserializeOwned + JsonSchema>(value: &Value) -> Result<(), TestCaseError> {
    let schema = T::json_schema(&mut schemars::SchemaGenerator::default());
    let validator = jsonschema::validator_for(schema.as_value()).unwrap();
    let decoded = serde_json::from_value::<T>(value.clone()).is_ok();
    prop_assert_eq!(validator.is_valid(value), decoded, "{}", value);
    Ok(())
}

proptest! {
    #[test]
    fn type_and_schema_agree_about_durations(text in "P?[0-9]{0,3}[DTHMSdhms ]{0,2}[0-9]{0,3}[HMSdhms ]{0,2}") {
        agree::<Duration>(&json!(text))?;
    }

    #[test]
    fn type_and_schema_agree_about_sizes(text in "[0-9]{0,7}[.]?[0-9]{0,4} ?[kKMGT]?i?B?") {
        agree::<ByteSize>(&json!(text))?;
    }

    #[test]
    fn type_and_schema_agree_about_numbers(number in -3_i64..70_000) {
        agree::<ByteSize>(&json!(number))?;
        agree::<Port>(&json!(number))?;
        agree::<OctalMode>(&json!(number.to_string()))?;
    }

    #[test]
    fn what_decides_for_a_pattern_agrees_with_it(text in "(https?://|P|T|/)?[/a-zA-Z0-9_@. kKMGTiB-]{0,8}") {
        for pattern in [NonEmpty::PATTERN, Name::PATTERN, EnvName::PATTERN, HttpUrl::PATTERN, AbsolutePath::PATTERN, duration::PATTERN, size::PATTERN] {
            let automaton = crate::pattern::Pattern::anywhere(pattern).unwrap();
            prop_assert_eq!(decides(pattern).unwrap()(&text), automaton.matches(&text), "{}", pattern);
        }
    }

    #[test]
    fn type_and_schema_agree_about_texts(text in "(https?://)?[/a-zA-Z0-9_@ -]{0,6}") {
        agree::<NonEmpty>(&json!(text))?;
        agree::<Name>(&json!(text))?;
        agree::<EnvName>(&json!(text))?;
        agree::<HttpUrl>(&json!(text))?;
        agree::<AbsolutePath>(&json!(text))?;
    }

    #[test]
    fn what_is_shown_is_read_back(millis in 0_u64..10_000_000_000) {
        let duration = Duration::new(Std::from_millis(millis));
        prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
    }
}
