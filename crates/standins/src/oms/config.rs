//! `config.yaml`, as far as OMS's own is used: keys with a value, and one list. Not a YAML parser.

use std::collections::BTreeMap;

/// The file's keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    values: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
}

impl Config {
    /// Reads the text; a line that is neither `key: value` nor an item is an error that names it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut config = Self::default();
        let mut list = None;
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if let (Some(item), Some(key)) = (trimmed.strip_prefix('-'), &list) {
                config.lists.entry(String::clone(key)).or_default().push(scalar(item.trim()));
                continue;
            }
            let Some((key, value)) = trimmed.split_once(':') else {
                return Err(format!("config.yaml line {}: `{trimmed}`", number + 1));
            };
            let (key, value) = (key.trim().to_owned(), value.trim());
            list = value.is_empty().then(|| key.clone());
            if !value.is_empty() {
                config.values.insert(key, scalar(value));
            }
        }
        Ok(config)
    }

    /// A key that must be there.
    pub(crate) fn get(&self, key: &str) -> Result<&str, String> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| format!("config.yaml: `{key}` is missing"))
    }

    /// A key that may be empty.
    pub(crate) fn or_empty(&self, key: &str) -> &str {
        self.values.get(key).map(String::as_str).unwrap_or_default()
    }

    /// The items of a list; none where there is no such list.
    pub(crate) fn list(&self, key: &str) -> &[String] {
        self.lists.get(key).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A plain, single-quoted or double-quoted scalar.
fn scalar(text: &str) -> String {
    let inside = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(inside) = inside('\'') {
        return inside.replace("''", "'");
    }
    if let Some(inside) = inside('"') {
        return inside.replace("\\\"", "\"").replace("\\\\", "\\");
    }
    text.split(" #").next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_quotes_and_the_list_are_read() {
        let config = Config::parse(
            "# comment\noms_meta_host: 10.0.0.1\noms_meta_password: 'it''s $a \"b\" # c'\ncm_is_default: true # yes\ncm_nodes:\n - 10.0.0.2\n  - \"10.0.0.3\"\ncm_region: cn\n",
        )
        .unwrap();
        assert_eq!(config.get("oms_meta_password").unwrap(), "it's $a \"b\" # c");
        assert_eq!(config.get("cm_is_default").unwrap(), "true");
        assert_eq!(config.list("cm_nodes"), ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(config.get("cm_region").unwrap(), "cn");
        assert_eq!(config.get("drc_rm_db").unwrap_err(), "config.yaml: `drc_rm_db` is missing");
    }
}
