//! The nearest right name for a wrong one.

/// The candidate that was most likely meant; none where nothing is near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(name);
    let limit = match wanted.chars().count() {
        0 => return None,
        1..=4 => 1,
        5 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let known = plain(candidate);
            let distance = strsim::damerau_levenshtein(&wanted, &known);
            // A beginning is near whatever follows: `pass` for `password`.
            let begins = wanted.len() >= 3 && known.starts_with(&wanted);
            let shorter = wanted.chars().count().min(known.chars().count());
            let near = distance <= limit && distance < shorter.max(2);
            (near || begins).then_some((if begins { distance.min(1) } else { distance }, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and the two word separators do not count.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_names_are_not() {
        let keys = ["image", "name", "env", "restart", "password", "pids_limit", "to", "one", "copy"];
        for (wrong, right) in [
            ("imgae", Some("image")),
            ("Image", Some("image")),
            ("pids-limit", Some("pids_limit")),
            ("pass", Some("password")),
            ("envs", Some("env")),
            ("volume", None),
            ("x", None),
            // Half of a short name is another name.
            ("nope", None),
            ("eny", Some("env")),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, keys), right, "{wrong}");
        }
    }
}
