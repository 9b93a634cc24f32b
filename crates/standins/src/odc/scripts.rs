//! The SQL that the releases bring: the bootstrap of every start, the versioned migrations, and the repeatable ones.
//!
//! The shape is that of the real metadb: foreign keys between the `act_*` tables, LONGBLOBs, tables without a primary key, a view, texts beyond the
//! basic plane, versions applied out of order, columns dropped and renamed, and one table that is dropped and made anew, whose rows are lost by the
//! upgrade. Only a restore brings those back.

use super::release::{Release, Version};

/// One script of the history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// The version, or empty for a repeatable script.
    pub(crate) version: &'static str,
    /// The description, as it stands in the history.
    pub(crate) description: &'static str,
    /// Its statements, in order. Each commits by itself.
    pub(crate) statements: &'static [&'static str],
}

impl Script {
    /// The file's name, as it stands in the history.
    pub(crate) fn file(&self) -> String {
        let description = self.description.replace(' ', "_");
        match self.version {
            "" => format!("R_1_0_0__{description}.sql"),
            version => format!("V_{}__{description}.sql", version.replace('.', "_")),
        }
    }
}

/// Run at every start, before the degrade check: even a server that refuses to start has run these.
pub(crate) const BOOTSTRAP: &[&str] = &[
    "create table if not exists migrate_schema_history (
        install_rank bigint not null auto_increment primary key, version varchar(64), description varchar(256) not null, type varchar(16) not null,
        script varchar(256) not null, checksum varchar(128) not null, installed_by varchar(128) not null,
        installed_on datetime not null default current_timestamp, execution_millis bigint not null, success tinyint not null) default charset = utf8mb4",
    "create table if not exists distributed_lock (
        lock_key varchar(64) not null primary key, client_id varchar(128) not null, expire_at datetime not null) default charset = utf8mb4",
    "create table if not exists config_system_configuration (
        id bigint not null auto_increment primary key, `key` varchar(255) not null unique, `value` text, application varchar(64) not null default 'odc',
        create_time datetime not null default current_timestamp) default charset = utf8mb4",
    "insert ignore into config_system_configuration(`key`, `value`) values
        ('odc.system.security.basic', 'true'), ('odc.session.timeout-minutes', '480'), ('odc.ui.welcome', '欢迎 👋')",
];

/// The versioned migrations of a release, in the order in which it applies them.
pub(crate) fn versioned(release: Release) -> Vec<Script> {
    let Some(highest) = Version::parse(release.highest) else { return Vec::new() };
    VERSIONED.iter().copied().filter(|script| Version::parse(script.version).is_some_and(|version| version <= highest)).collect()
}

const VERSIONED: &[Script] = &[
    Script {
        version: "4.2.0.1",
        description: "create users and connections",
        statements: &[
            "create table iam_organization (id bigint not null auto_increment primary key, name varchar(128) not null unique, type varchar(32) not null) default charset = utf8mb4",
            "create table iam_user (id bigint not null auto_increment primary key, account_name varchar(128) not null unique, name varchar(128) not null,
                organization_id bigint not null, is_enabled tinyint(1) not null default 1, create_time datetime(6) not null default current_timestamp(6)) default charset = utf8mb4",
            "create table connect_connection (id bigint not null auto_increment primary key, name varchar(128) not null, host varchar(256), port int,
                is_set_top tinyint(1) not null default 0, properties json, ssl_mode bit(3) not null default b'101', cost decimal(20,6)) default charset = utf8mb4",
            "insert into iam_organization(name, type) values ('个人空间', 'INDIVIDUAL'), ('team 🚀', 'TEAM')",
            "insert into iam_user(account_name, name, organization_id) values ('admin', '管理员', 1), ('o''brien', 'O''Brien \"the\" \\\\ 🧑‍💻', 2), ('trailing ', ' spaces ', 2)",
            "insert into connect_connection(name, host, port, is_set_top, properties, cost) values ('生产库', '192.0.2.1', 2883, 1, '{\"a\": [1, 2.50, null], \"s\": \"é\"}', 1234567890.123456),
                ('test', null, null, 0, null, -0.000001)",
        ],
    },
    Script {
        version: "4.2.0.43",
        description: "create tables of the process engine",
        statements: &[
            "create table act_re_deployment (id_ varchar(64) not null primary key, name_ varchar(255), deploy_time_ timestamp(3) null) default charset = utf8mb4",
            "create table act_ge_bytearray (id_ varchar(64) not null primary key, rev_ int, name_ varchar(255), deployment_id_ varchar(64), bytes_ longblob, generated_ tinyint,
                constraint act_fk_bytearr_depl foreign key (deployment_id_) references act_re_deployment (id_)) default charset = utf8mb4",
            "create table act_ru_execution (id_ varchar(64) not null primary key, parent_id_ varchar(64), business_key_ varchar(255), is_active_ tinyint,
                constraint act_fk_exe_parent foreign key (parent_id_) references act_ru_execution (id_) on delete cascade) default charset = utf8mb4",
            "create table act_ru_task (id_ varchar(64) not null primary key, execution_id_ varchar(64), name_ varchar(255), create_time_ timestamp(3) null,
                constraint act_fk_task_exe foreign key (execution_id_) references act_ru_execution (id_)) default charset = utf8mb4",
            "insert into act_re_deployment values ('d1', 'SpringAutoDeployment', '2024-01-30 04:05:06.789'), ('d2', null, null)",
            "insert into act_ge_bytearray values ('b1', 1, 'flow.bpmn', 'd1', unhex(repeat('00ff27225c0a0d1ac328', 4000)), 0), ('b2', 1, 'empty', 'd2', '', 0), ('b3', 2, 'none', null, null, 1)",
            "insert into act_ru_execution values ('e1', null, '工单-1', 1), ('e2', 'e1', 'ticket 🎫', 0)",
            "insert into act_ru_task values ('t1', 'e2', 'approve', '2024-01-30 00:00:00.001')",
        ],
    },
    Script {
        version: "4.2.3.10",
        description: "create schedules and notifications",
        statements: &[
            "create table schedule_changelog (schedule_id bigint not null, status varchar(32), old_parameter longtext) default charset = utf8mb4",
            "create table schedule_latest_task_mapping (schedule_id bigint not null, latest_schedule_task_id bigint not null) default charset = utf8mb4",
            "create table notification_message (id bigint not null auto_increment primary key, title varchar(512), content longtext, status varchar(32)) default charset = utf8mb4",
            "create table integration (id bigint not null auto_increment primary key, name varchar(128) not null, secret varchar(1024), configuration mediumtext) default charset = utf8mb4",
            "insert into schedule_changelog values (1, 'SUCCESS', null), (1, 'SUCCESS', null), (2, 'FAILED', 'first line\nsecond\ttab')",
            "insert into schedule_latest_task_mapping values (1, 11), (2, 22)",
            "insert into notification_message(title, content, status) values ('备份完成 ✅', repeat('长文本 ', 2000), 'SENT')",
            "insert into integration(name, secret, configuration) values ('sso', 'c2VjcmV0', '{}')",
        ],
    },
    Script {
        version: "4.2.4.9",
        description: "create files and organization configuration",
        statements: &[
            "create table objectstorage_object_metadata (object_id varchar(64) not null primary key, object_name varchar(256) not null, total_length bigint not null) default charset = utf8mb4",
            "create table config_organization_configuration (organization_id bigint not null, `key` varchar(128) not null, `value` varchar(1024),
                constraint uk_org_key unique (organization_id, `key`)) default charset = utf8mb4",
            "insert into config_organization_configuration values (1, 'odc.sqlexecute.default.max-rows', '1000'), (1, 'odc.editor.theme', '深色 🌙'), (2, 'odc.sqlexecute.default.max-rows', '50')",
        ],
    },
    Script {
        version: "4.2.4.18",
        description: "create the audit and its view",
        statements: &[
            "create table audit_event (id bigint not null auto_increment primary key, user_id bigint, action varchar(64), detail text, happened datetime not null, took double, score float) default charset = utf8mb4",
            "insert into audit_event(user_id, action, detail, happened, took, score)
                select n % 3 + 1, concat('ACTION_', n % 7), concat('event ', n, ' – ', repeat('x', n % 50)), date_add('2024-01-01 00:00:00', interval n minute), n / 7, n / 3
                from (select a.d + 10 * b.d + 100 * c.d as n
                    from (select 0 d union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7 union all select 8 union all select 9) a
                    cross join (select 0 d union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7 union all select 8 union all select 9) b
                    cross join (select 0 d union all select 1 union all select 2 union all select 3 union all select 4) c) numbers",
            "create or replace view list_user_organization as select u.id as user_id, u.account_name, o.name as organization_name from iam_user u join iam_organization o on o.id = u.organization_id",
        ],
    },
    Script {
        version: "4.3.0.7",
        description: "drop is_set_top",
        statements: &["alter table connect_connection drop column is_set_top"],
    },
    Script {
        version: "4.3.2.20",
        description: "recreate notifications",
        statements: &[
            "drop table if exists notification_message",
            "create table notification_message (id bigint not null auto_increment primary key, project_id bigint, title varchar(512), content mediumtext, retry_times int not null default 0) default charset = utf8mb4",
        ],
    },
    // Out of order, as in the real history: only the numeric maximum tells the version.
    Script {
        version: "4.3.2.6",
        description: "extend schedule_changelog",
        statements: &["alter table schedule_changelog add column new_parameter longtext", "update schedule_changelog set status = 'DONE' where status = 'SUCCESS'"],
    },
    Script {
        version: "4.3.3.6",
        description: "rename integration secret",
        statements: &["alter table integration change column secret encrypted_secret varchar(2048)"],
    },
    Script {
        version: "4.3.4.5",
        description: "recreate organization configuration",
        statements: &[
            "drop table if exists config_organization_configuration",
            "create table config_organization_configuration (organization_id bigint not null, `key` varchar(128) not null, `value` varchar(1024), create_time datetime not null default current_timestamp,
                update_time datetime, constraint pk_org_key primary key (organization_id, `key`)) default charset = utf8mb4",
        ],
    },
    Script {
        version: "4.3.4.9",
        description: "move audit events to their own table",
        statements: &[
            "create table if not exists audit_event_detail (event_id bigint not null primary key, detail text) default charset = utf8mb4",
            "insert ignore into audit_event_detail select id, detail from audit_event",
            "alter table audit_event drop column detail",
            "create or replace view list_user_organization as select u.id as user_id, u.account_name, o.name as organization_name, o.type as organization_type from iam_user u join iam_organization o on o.id = u.organization_id",
        ],
    },
    Script {
        version: "4.3.4.12",
        description: "create worksheets",
        statements: &["create table collaboration_worksheet (id bigint not null auto_increment primary key, path varchar(1024) not null, object_id varchar(64)) default charset = utf8mb4"],
    },
];

/// Run at every start, after the versioned ones; each adds a row to the history, so four rows a start.
pub(crate) const REPEATABLE: [Script; 4] = [
    Script {
        version: "",
        description: "initialize system configuration",
        statements: &["insert ignore into config_system_configuration(`key`, `value`) values ('odc.task.trigger.single-pool', '8')"],
    },
    Script {
        version: "",
        description: "initialize resource roles",
        statements: &[
            "create table if not exists iam_resource_role (id bigint not null primary key, name varchar(64) not null) default charset = utf8mb4",
            "insert ignore into iam_resource_role values (1, 'OWNER'), (2, 'DBA')",
        ],
    },
    Script {
        version: "",
        description: "initialize rules",
        statements: &[
            "create table if not exists regulation_rule_metadata (id bigint not null primary key, name varchar(128) not null) default charset = utf8mb4",
            "insert ignore into regulation_rule_metadata values (1, '禁止 drop table')",
        ],
    },
    Script {
        version: "",
        description: "migrate user organizations",
        statements: &["update iam_user set is_enabled = 1 where is_enabled is null"],
    },
];
