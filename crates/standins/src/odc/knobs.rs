//! Faults on demand, for tests: environment variables `LAB_ODC_…`, and lines `NAME=VALUE` in `lab-knobs` of the data folder, which win and can be
//! changed while the container runs (each start reads them anew).

use std::path::Path;
use std::time::Duration;

/// What a start does wrong, or slowly.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Knobs {
    /// `LAB_ODC_FAIL_AT`: the version of the migration that fails half-way.
    pub(crate) fail_at: Option<String>,
    /// `LAB_ODC_SLOW_START`: seconds between the migration and the first answer.
    pub(crate) slow_start: Duration,
    /// `LAB_ODC_HOLD_LOCK`: seconds for which another node holds the migration lock.
    pub(crate) hold_lock: Duration,
    /// `LAB_ODC_CRASH_AFTER`: seconds after which the server dies; 0 is at once.
    pub(crate) crash_after: Option<Duration>,
    /// `LAB_ODC_STOP_SECONDS`: what a stop in good order takes; 11, as seen on the real one.
    pub(crate) stop: Duration,
}

impl Knobs {
    /// Reads the variables, and over them the file's lines; a missing file is none.
    pub(crate) fn read(env: &impl Fn(&str) -> String, file: &Path) -> Result<Self, String> {
        let lines = std::fs::read_to_string(file).unwrap_or_default();
        let find = |name: &str| {
            let in_file = lines.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == name);
            in_file.map_or_else(|| env(name), |(_, value)| value.trim().to_owned())
        };
        let seconds = |name: &str| match find(name).as_str() {
            "" => Ok(None),
            text => match text.parse() {
                Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
                Err(_) => Err(format!("{name} is `{text}`, which is no number of seconds")),
            },
        };
        let fail_at = find("LAB_ODC_FAIL_AT");
        Ok(Self {
            fail_at: (!fail_at.is_empty()).then_some(fail_at),
            slow_start: seconds("LAB_ODC_SLOW_START")?.unwrap_or_default(),
            hold_lock: seconds("LAB_ODC_HOLD_LOCK")?.unwrap_or_default(),
            crash_after: seconds("LAB_ODC_CRASH_AFTER")?,
            stop: seconds("LAB_ODC_STOP_SECONDS")?.unwrap_or(Duration::from_secs(11)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_takes_eleven_seconds_unless_said_otherwise() {
        let knobs = Knobs::read(&|_: &str| String::new(), Path::new("/nonexistent")).unwrap();
        assert_eq!(knobs.stop, Duration::from_secs(11));
        let knobs =
            Knobs::read(&|name: &str| if name == "LAB_ODC_STOP_SECONDS" { "1".into() } else { String::new() }, Path::new("/nonexistent"));
        assert_eq!(knobs.unwrap().stop, Duration::from_secs(1));
    }
}
