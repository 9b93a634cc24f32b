//! Values that are too large for a record go into files beside the journal; the record has a reference.

use std::collections::BTreeMap;
use std::path::Path;

use runbook_core::digest::Digest;
use serde_json::{Map, Value, json};

use crate::EngineError;
use crate::disk::{self, DiskError};
use crate::journal::MAX_RECORD;

/// What the values in one record may weigh; the rest of the limit is for its other fields.
const ROOM: usize = MAX_RECORD * 3 / 4;

/// A value that is smaller stays in the record in any case.
const SMALL: usize = 1024;

/// About how long a value is as JSON; never less, apart from escapes.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 24,
        Value::String(text) => text.len() + text.bytes().filter(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\')).count() * 5 + 2,
        Value::Array(items) => 2 + items.iter().map(|item| weight(item) + 1).sum::<usize>(),
        Value::Object(map) => 2 + map.iter().map(|(key, item)| key.len() + 4 + weight(item)).sum::<usize>(),
    }
}

/// Moves the largest members of `map` into the file `name` (relative to `folder`) until the rest fits. Returns whether the file was written.
///
/// In their place stands `{"beside": NAME, "member": KEY, "bytes": N, "digest": …}`. The file is on disk when this returns, so that a record never points
/// at what is not there.
pub(crate) fn fit(map: &mut Map<String, Value>, folder: &Path, name: &str) -> Result<bool, DiskError> {
    let mut total: usize = map.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum();
    if total <= ROOM {
        return Ok(false);
    }
    let mut sizes: Vec<(usize, String)> =
        map.iter().map(|(key, value)| (weight(value), key.clone())).filter(|(size, _)| *size > SMALL).collect();
    sizes.sort_unstable();
    let mut beside = Map::new();
    while total > ROOM {
        let Some((size, key)) = sizes.pop() else { break };
        if let Some(value) = map.get_mut(&key) {
            let digest = Digest::of_json("value1", value);
            let reference = json!({ "beside": name, "member": key, "bytes": size, "digest": digest });
            beside.insert(key, std::mem::replace(value, reference));
            total = total.saturating_sub(size) + 256;
        }
    }
    let text = serde_json::to_vec(&beside).map_err(|error| DiskError::new("write", folder.join(name), error.into()))?;
    disk::write_new(&folder.join(name), &text)?;
    Ok(true)
}

/// Puts back what [`fit`] moved out.
pub(crate) fn restore(mut map: Map<String, Value>, folder: &Path) -> Result<Map<String, Value>, EngineError> {
    let mut files: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (key, value) in &mut map {
        let Some((name, digest)) = reference(value) else { continue };
        let path = folder.join(&name);
        if !files.contains_key(&name) {
            let content = serde_json::from_slice(&disk::read(&path)?).map_err(|error| DiskError::new("read", &path, error.into()))?;
            files.insert(name.clone(), content);
        }
        let found = files.get_mut(&name).and_then(|file| file.remove(key));
        match found {
            Some(found) if Digest::of_json("value1", &found).as_str() == digest => *value = found,
            Some(_) | None => return Err(EngineError::internal(format!("`{}` does not hold what the journal says", path.display()))),
        }
    }
    Ok(map)
}

/// The file and the digest, where a value is a reference.
fn reference(value: &Value) -> Option<(String, String)> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    // Only names that this program makes: the journal is not to lead anywhere else.
    let name = text("beside").filter(|name| name.starts_with("values/") && !name.contains(".."))?;
    Some((name, text("digest")?))
}

/// A value as one whole, for what is not a map of results: kept where it fits, else cut down to a reference by digest.
pub(super) fn cut(value: Value) -> Value {
    let bytes = weight(&value);
    if bytes <= ROOM / 2 { value } else { json!({ "too_large": bytes, "digest": Digest::of_json("value1", &value) }) }
}

/// Actual values for a message: a long one is cut, since it is only looked at.
pub(super) fn shorten(actuals: &mut [(String, Value)]) {
    for (_, value) in actuals {
        if weight(value) > SMALL {
            let text = match value {
                Value::String(text) => std::mem::take(text),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
            };
            *value = Value::String(clip(text, SMALL / 2));
        }
    }
}

/// The beginning of a text, with a mark where the rest was cut off.
pub(super) fn clip(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
    }
    text
}

/// Whether a value fits into a record as it is.
pub(super) fn fits(value: &Value) -> bool {
    weight(value) <= ROOM
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn the_largest_members_go_beside_and_the_rest_fits() {
        let folder = Folder::new();
        std::fs::create_dir(folder.path().join("values")).unwrap();
        let mut map = Map::new();
        map.insert("rows".into(), Value::from("\n".repeat(40_000)));
        map.insert("exit_code".into(), Value::from(0));
        map.insert("text".into(), Value::from("x".repeat(30_000)));
        assert!(fit(&mut map, folder.path(), "values/x.json").unwrap());
        assert_eq!(map["rows"]["beside"], "values/x.json");
        assert_eq!(map["exit_code"], 0);
        assert!(serde_json::to_vec(&map).unwrap().len() < MAX_RECORD);
        let beside: Value = serde_json::from_slice(&std::fs::read(folder.path().join("values/x.json")).unwrap()).unwrap();
        assert_eq!(beside["rows"].as_str().unwrap().len(), 40_000);
        assert_eq!(restore(map, folder.path()).unwrap()["rows"].as_str().unwrap().len(), 40_000);
    }

    #[test]
    fn what_fits_stays() {
        let folder = Folder::new();
        let mut map = Map::from_iter([("a".to_owned(), Value::from("x".repeat(1000)))]);
        assert!(!fit(&mut map, folder.path(), "x.json").unwrap());
    }
}
