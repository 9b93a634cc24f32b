//! Mounts in one normal form, so that those of two containers can be compared as sets.
//!
//! `HostConfig.Binds` misses what `--mount` made and anonymous volumes; the engine's own list of mount points has all of them.

use bollard::models::MountPoint;
use serde_json::{Value, json};

/// One mount point as a map: `type`, `source` (a path on the host, or a volume's name), `target`, `read_only`.
pub(crate) fn normal(point: &MountPoint) -> Value {
    let kind = point.typ.as_deref().unwrap_or_default();
    let source = match kind {
        "volume" => point.name.as_deref(),
        _ => point.source.as_deref(),
    };
    json!({
        "type": kind,
        "source": source.unwrap_or_default(),
        "target": point.destination.as_deref().unwrap_or_default(),
        "read_only": !point.rw.unwrap_or(true),
    })
}

/// All of them, in the order of their targets.
pub(crate) fn normal_list(points: Option<&Vec<MountPoint>>) -> Vec<Value> {
    let mut points: Vec<&MountPoint> = points.into_iter().flatten().collect();
    points.sort_by(|a, b| a.destination.cmp(&b.destination));
    points.into_iter().map(normal).collect()
}

/// The same as `-v` would say it: `SOURCE:TARGET` or `SOURCE:TARGET:ro`.
pub(crate) fn binds(points: Option<&Vec<MountPoint>>) -> Vec<String> {
    let text = |mount: &Value, key: &str| mount.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = normal_list(points);
    let bound = list.iter().filter(|mount| matches!(mount.get("type").and_then(Value::as_str), Some("bind" | "volume")));
    bound
        .map(|mount| {
            let suffix = if mount.get("read_only") == Some(&Value::Bool(true)) { ":ro" } else { "" };
            format!("{}:{}{suffix}", text(mount, "source"), text(mount, "target"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(typ: &str, name: Option<&str>, source: &str, target: &str, rw: bool) -> MountPoint {
        MountPoint {
            typ: Some(typ.to_owned()),
            name: name.map(str::to_owned),
            source: Some(source.to_owned()),
            destination: Some(target.to_owned()),
            rw: Some(rw),
            ..MountPoint::default()
        }
    }

    #[test]
    fn the_same_mounts_are_equal_however_they_were_asked_for() {
        let volume = point("volume", Some("data"), "/var/lib/docker/volumes/data/_data", "/opt/odc/data", true);
        let bind = point("bind", None, "/var/log/odc", "/opt/odc/log", false);
        let asked_by_v = vec![bind.clone(), volume.clone()];
        let asked_by_mount = vec![
            MountPoint { mode: Some("z".to_owned()), propagation: Some(String::new()), ..volume },
            MountPoint { mode: Some("ro".to_owned()), propagation: Some("rprivate".to_owned()), ..bind },
        ];
        assert_eq!(normal_list(Some(&asked_by_v)), normal_list(Some(&asked_by_mount)));
        assert_eq!(binds(Some(&asked_by_v)), ["data:/opt/odc/data", "/var/log/odc:/opt/odc/log:ro"]);
    }
}
