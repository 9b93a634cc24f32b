//! The checksum of many rows.

/// Sums up the CRC-32 of rows, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub rows: u64,
    /// The exclusive or of their checksums.
    pub xor: u64,
    /// The sum of their checksums.
    pub total: u64,
}

impl Sum {
    /// Adds a row's.
    pub const fn add(&mut self, crc: u32) {
        self.rows += 1;
        self.xor ^= crc as u64;
        self.total += crc as u64;
    }

    /// Adds those of other rows.
    pub const fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.xor ^= other.xor;
        self.total += other.total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_put_together_in_any_order() {
        let mut whole = Sum::default();
        let mut parts = [Sum::default(); 2];
        for crc in [u32::MAX, 0, 7, u32::MAX] {
            whole.add(crc);
            parts[usize::from(crc == 7)].add(crc);
        }
        let mut merged = parts[1];
        merged.merge(parts[0]);
        assert_eq!(merged, whole);
        assert_eq!(whole, Sum { rows: 4, xor: 7, total: 8_589_934_597 });
    }
}
