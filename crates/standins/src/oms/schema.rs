//! The three databases in both versions. What 3.4.0 changes, 3.3.1 cannot work with: it renames what that reads and demands what that does not write.

/// A version of the stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// 3.3.1.
    Old,
    /// 3.4.0.
    New,
}

impl Version {
    /// The version of that number; none for one that the stand-in does not play.
    pub(crate) fn of(number: &str) -> Option<Self> {
        [Self::Old, Self::New].into_iter().find(|version| version.number() == number)
    }

    /// As in the image's tag and in `cluster_info`.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::Old => "3.3.1",
            Self::New => "3.4.0",
        }
    }

    /// A heartbeat: `?` are the host's address and the region.
    pub(crate) fn heartbeat(self) -> &'static str {
        match self {
            Self::Old => {
                "insert into heart_beat(host_ip, task_name, gmt_modified) values (:ip, 'supervisor', now()) on duplicate key update gmt_modified = now()"
            }
            Self::New => {
                "insert into heart_beat(host_ip, task_name, region, gmt_modified) values (:ip, 'supervisor', :region, now()) \
                 on duplicate key update gmt_modified = now(), region = :region"
            }
        }
    }

    /// What the console reads when it starts.
    pub(crate) fn projects(self) -> &'static str {
        match self {
            Self::Old => "select count(name) from oms_project",
            Self::New => "select count(project_name) from oms_project",
        }
    }
}

/// What `ha.config` is in a new installation.
pub(crate) const HA_CONFIG: &str = r#"{"enable":false,"enableHost":false,"enableStore":true,"perceiveStoreClientCheckpoint":false,"enableConnector":true,"enableJdbcWriter":true,"subtopicStoreNumberThreshold":5,"checkRequestIntervalSec":600,"checkJdbcWriterIntervalSec":600,"checkHostDownIntervalSec":540,"checkModuleExceptionIntervalSec":240,"clearAbnormalResourceHours":72,"refetchStoreIntervalMin":30}"#;

/// Which of the three databases a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Rm,
    Cm,
    Hb,
}

/// Makes 3.3.1's tables where there are none.
pub(crate) const CREATE: &[(Part, &str)] = &[
    (
        Part::Rm,
        "create table if not exists oms_normal_config(id bigint not null auto_increment, cfg_name varchar(128) not null, cfg_value varchar(4096), \
         gmt_modified timestamp not null default current_timestamp on update current_timestamp, primary key(id), unique key uk_cfg_name(cfg_name)) default charset = utf8mb4",
    ),
    (
        Part::Rm,
        "create table if not exists cluster_info(id bigint not null auto_increment, cluster_name varchar(64) not null, version varchar(32) not null, primary key(id)) default charset = utf8mb4",
    ),
    (
        Part::Rm,
        "create table if not exists oms_project(id bigint not null auto_increment, name varchar(128) not null, status varchar(32) not null, \
         extra_info longtext, primary key(id)) default charset = utf8mb4",
    ),
    (
        Part::Cm,
        "create table if not exists host(id bigint not null auto_increment, ip varchar(64) not null, host_status varchar(32) not null, region varchar(64), \
         gmt_modified timestamp not null default current_timestamp, primary key(id), unique key uk_ip(ip)) default charset = utf8mb4",
    ),
    (
        Part::Cm,
        "create table if not exists resource_group(id bigint not null auto_increment, name varchar(64) not null, hosts varchar(1024), primary key(id)) default charset = utf8mb4",
    ),
    (
        Part::Cm,
        "create table if not exists store(id bigint not null auto_increment, host_ip varchar(64) not null, subtopic varchar(128) not null, made_by varchar(32) not null, \
         gmt_create timestamp not null default current_timestamp, primary key(id)) default charset = utf8mb4",
    ),
    (
        Part::Hb,
        "create table if not exists heart_beat(host_ip varchar(64) not null, task_name varchar(64) not null, gmt_modified timestamp not null default current_timestamp, \
         primary key(host_ip, task_name)) default charset = utf8mb4",
    ),
    (
        Part::Hb,
        "create table if not exists heatbeat_sequence(id bigint not null auto_increment, gmt_created timestamp not null default current_timestamp, primary key(id)) default charset = utf8mb4",
    ),
];

/// The first rows: `?` where the statement needs the host or the region is filled in by the caller.
pub(crate) const SEED: &[(Part, &str)] = &[
    (Part::Rm, "insert into oms_normal_config(cfg_name, cfg_value) values ('ha.config', :ha), ('oms.user.password.policy', 'strict')"),
    (
        Part::Rm,
        "insert into oms_project(name, status, extra_info) values ('迁移 🚚 orders', 'RUNNING', '{\"from\":\"mysql\",\"to\":\"ob\"}'), ('it''s \"paused\"', 'SUSPENDED', null)",
    ),
    (Part::Rm, "insert into cluster_info(cluster_name, version) values ('default', '3.3.1')"),
    (Part::Cm, "insert into resource_group(name, hosts) values ('default', :ip)"),
    (Part::Cm, "insert into store(host_ip, subtopic, made_by) values (:ip, 'orders-0', 'project')"),
];

/// From 3.3.1 to 3.4.0. The version is written last, when all is done.
pub(crate) const ALTER: &[(Part, &str)] = &[
    (Part::Rm, "alter table oms_normal_config add column cfg_group varchar(64) not null default 'default'"),
    (Part::Rm, "alter table oms_project change column name project_name varchar(128) not null"),
    (Part::Cm, "alter table host add column host_type varchar(32) not null default 'NORMAL'"),
    (Part::Cm, "alter table resource_group drop column hosts"),
    (Part::Hb, "alter table heart_beat add column region varchar(64) not null"),
    (Part::Rm, "update cluster_info set version = '3.4.0'"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_order() {
        assert!(Version::Old < Version::New);
        assert_eq!(Version::of("3.4.0"), Some(Version::New));
        assert_eq!(Version::of("4.0.0"), None);
    }
}
