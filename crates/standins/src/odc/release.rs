//! Which release an image is: a number baked into the image, and the highest migration that goes with it.

use std::cmp::Ordering;
use std::fmt;

/// A version as ODC compares it: numbers, segment by segment, so that 4.3.4.12 is above 4.3.4.9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version(Vec<u32>);

impl Version {
    /// Reads `4.3.4.12`; `None` where a segment is no number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>().map(Self)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let segments = self.0.len().max(other.0.len());
        let at = |version: &Self, i: usize| version.0.get(i).copied().unwrap_or(0);
        (0..segments).map(|i| at(self, i).cmp(&at(other, i))).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

/// One release of the stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// The three-part number, as in the image's tag.
    pub(crate) number: &'static str,
    /// The build's suffix, which `/api/v1/info` appends to the number.
    pub(crate) build: &'static str,
    /// The highest migration that the release knows, as the real one of that number has it.
    pub(crate) highest: &'static str,
}

const RELEASES: [Release; 2] = [
    Release { number: "4.2.4", build: "20240130", highest: "4.2.4.18" },
    Release { number: "4.3.4", build: "20250508", highest: "4.3.4.12" },
];

impl Release {
    /// The release of that number; `None` for one that the stand-in does not play.
    pub(crate) fn of(number: &str) -> Option<Self> {
        RELEASES.into_iter().find(|release| release.number == number)
    }

    /// What `/api/v1/info` answers: number and build.
    pub(crate) fn full(self) -> String {
        format!("{}-{}", self.number, self.build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number_and_segment() {
        let v = |text: &str| Version::parse(text).unwrap();
        assert!(v("4.3.4.12") > v("4.3.4.9"));
        assert!(v("4.3.2.6") < v("4.3.2.20"));
        assert_eq!(v("4.3").cmp(&v("4.3.0")), Ordering::Equal);
        assert_eq!(Version::parse("4.x"), None);
    }

    #[test]
    fn every_release_knows_its_highest_migration() {
        for release in RELEASES {
            let highest =
                super::super::scripts::versioned(release).into_iter().filter_map(|script| Version::parse(script.version)).max().unwrap();
            assert_eq!(highest.to_string(), release.highest);
        }
    }
}
