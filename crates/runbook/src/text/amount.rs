//! Amounts as people read them.

use std::time::Duration;

/// `1 step`, `2 steps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `0.4s`, `12s`, `3m 05s`, `2h 10m`, `4d 3h`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{}.{}s", seconds, time.subsec_millis() / 100),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `512 B`, `3.2 GiB`.
pub(crate) fn bytes(number: u64) -> String {
    let units = [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| number >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", number / unit, number % unit * 10 / unit),
        None => format!("{number} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        assert_eq!([count(0, "step"), count(1, "step"), count(2, "step")], ["0 steps", "1 step", "2 steps"]);
        let of = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([of(0), of(12), of(185), of(7_800), of(356_400)], ["0.0s", "12s", "3m 05s", "2h 10m", "4d 3h"]);
        assert_eq!(duration(Duration::from_millis(1_490)), "1.4s");
        assert_eq!([bytes(512), bytes(3_500_000_000)], ["512 B", "3.2 GiB"]);
    }
}
