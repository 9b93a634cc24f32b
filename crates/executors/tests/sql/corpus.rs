//! A database with what usually goes wrong in backups.

use crate::lab::{Database, Server};

/// Statements that both servers understand.
const COMMON: &str = r#"
set session sql_mode = 'NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ALLOW_INVALID_DATES';
set session foreign_key_checks = 0;
create table `we``ird.名 t` (
  `id` bigint not null auto_increment primary key,
  `select` varchar(40) default 'it''s \\ "x"' comment 'a''b; -- c',
  `b` longblob, `bt` bit(13), `bt64` bit(64), `j` json, `d` decimal(65,30), `f` float, `db` double,
  `dt` datetime(6), `da` date, `ts` timestamp(3) null, `y` year, `t` time(3),
  `e` enum('a','','c d'), `s` set('x','y','z'), `vb` varbinary(20), `bn` binary(4), `u` bigint unsigned, `lt` longtext,
  `n1` int, `g` int generated always as (`n1` * 2) virtual, `gs` int generated always as (`n1` + 1) stored,
  key `k``1` (`n1`), key k2 (`b`(5))
) comment = 'tab;le';
insert into `we``ird.名 t` (id, `select`, b, bt, bt64, j, d, f, db, dt, da, ts, y, t, e, s, vb, bn, u, lt, n1) values
  (0, 'zero', x'00ff27', 8191, 18446744073709551615, '{"a":1.10,"名":"😀","b":[1,2,null],"dd":1e300}',
   -12345678901234567890123456789012345.123456789012345678901234567890, 1.1, 1.1, '0000-00-00', '2021-02-31', '2020-01-01 00:00:00.123', 2155,
   '-838:59:59.000', '', 'x,z', x'00ff27', x'01', 18446744073709551615, 'line\nfeed\r\0\Z''"\\', 21),
  (7, '', '', 0, 0, '[]', 0, 3.4028234663852886e38, 1.7976931348623157e308, '9999-12-31 23:59:59.999999', '9999-12-31', null, 1901,
   '838:59:59.000', 'c d', '', '', '', 0, '', -1),
  (8, null, null, null, null, null, null, -0e0, -0e0, null, null, null, null, null, null, null, null, null, null, null, null),
  (9, '😀%_', null, null, null, 'null', null, 16777217, 0.30000000000000004, null, null, null, null, null, null, null, null, null, null, 'NULL', null),
  (10, 'N', null, null, null, '"x\\"y"', null, 1.17549435e-38, 2.2250738585072014e-308, null, null, null, null, null, null, null, null, null, null, null, null);
create table parent (id int primary key, name varchar(20), favourite int) default charset = utf8mb4;
create table child (id int primary key, pid int, constraint `fk;1` foreign key (pid) references parent (id) on delete cascade);
alter table parent add constraint fk_back foreign key (favourite) references child (id);
insert into parent values (1, 'p', 10), (2, 'q', null);
insert into child values (10, 1), (11, 2);
create table nopk (a int, b varchar(10));
insert into nopk values (1, 'x'), (1, 'x'), (null, null), (null, ''), (2, null);
create table empty_one (a int primary key auto_increment, b text) auto_increment = 500;
create table `order` (`group` int, `a.b` varchar(10), `c d` int, primary key (`group`));
insert into `order` values (1, 'k', 2);
create table loose (e enum('a', 'b'), n int);
set session sql_mode = '';
insert into loose values ('bogus', 1), ('a', 2);
create table parts (id int, d date, primary key (id, d)) partition by range (to_days(d))
  (partition p0 values less than (737790), partition pm values less than maxvalue);
insert into parts values (1, '2010-01-01'), (2, '2030-01-01');
create view `v 1` as select id, `select` as s, 'quoted ; ''text''' as q from `we``ird.名 t` where id > 0;
create view a_first as select `v 1`.id, nopk.b from `v 1` join nopk on nopk.a = 1;
create view grouped as select pid, count(*) as n from child group by pid having count(*) > 0;
delimiter //
create procedure proc_1(a int) select count(*) from nopk where nopk.a = a and 'x;' <> ';'//
create function func_1(x int) returns int deterministic return x + 1//
create trigger TRIGGER before insert on nopk for each row set new.b = coalesce(new.b, 'from;trigger')//
delimiter ;
"#;

/// What only MariaDB knows.
const MARIADB: &str = r"
create table latin (a varchar(20) character set latin1, u varchar(20) character set utf16, c char(5) collate utf8mb4_bin default 'é');
insert into latin values ('é ü', '名😀', 'e');
create table geo (g geometry, i inet6, u uuid);
insert into geo values (ST_GeomFromText('POINT(1 2)'), '::1', '123e4567-e89b-12d3-a456-426655440000');
create sequence seq_1 start with 100 increment by 5;
do nextval(seq_1), nextval(seq_1);
create table uses_seq (id int default nextval(seq_1) primary key);
create event ev_1 on schedule every 1 day starts '2037-01-01 00:00:00' do delete from nopk where a = 9;
set session time_zone = '+05:00';
create event ev_2 on schedule at '2037-01-01 00:00:00' do delete from nopk where a = 9;
set session time_zone = '+00:00';
create definer = 'someone'@'nowhere' sql security invoker view invoked as select 1 as one;
";

/// What only MySQL 8 knows.
const MYSQL: &str = r"
create table latin (a varchar(20) character set latin1, u varchar(20) character set utf16, c char(5) collate utf8mb4_0900_ai_ci default 'é', l varchar(9) character set latin1 collate latin1_bin);
insert into latin values ('é ü', '名😀', 'e', 'Ä');
create table geo (id int primary key, g geometry, p point not null srid 4326, spatial key sp (p));
insert into geo values (1, ST_GeomFromText('LINESTRING(1 2, 3 4)'), ST_GeomFromText('POINT(10 20)', 4326)), (2, null, ST_GeomFromText('POINT(-10.5 20)', 4326));
create table newer (id int, half int default (id / 2), hidden int invisible, twice int generated always as (id * 2) stored invisible, j json default (json_array(1, 'COLLATE')),
  n int check (n > 0) not enforced, s varchar(40) default 'CHARACTER SET x COLLATE y', primary key (id), key by_sum ((id + n)), key seen (n) invisible, key backwards (id desc, n),
  key of_many ((cast(j as unsigned array))));
insert into newer (id, hidden, n, j) values (1, 5, -1, '[1, 2]'), (2, null, 3, '[]');
/*!80030 set session sql_generate_invisible_primary_key = on */;
create table keyed (v varchar(20)); insert into keyed values ('a'), ('b');
/*!80030 set session sql_generate_invisible_primary_key = off */;
create event ev_1 on schedule every 1 day starts '2037-01-01 00:00:00' do delete from nopk where a = 9;
create definer = 'someone'@'nowhere' sql security invoker view invoked as select 1 as one;
";

/// Tables and views for [`WIDE_ROWS`]: each type, names of all sorts, partitions, keys of all sorts, generated columns. Both servers read them.
pub(crate) const WIDE_TABLES: &str = r"
create table ints (a tinyint primary key, b tinyint unsigned, c smallint, d smallint unsigned, e mediumint, f mediumint unsigned, g int, h int unsigned, i bigint, j bigint unsigned, z int(7) zerofill, bo bool);
create table body (id int primary key, title varchar(200) not null, text text, fulltext key ft (text), key pre (title(7)), unique key both_ways (title(20), id)) comment = 'a comment with 名 and ''quotes''';
create table by_hash (id int, v varchar(10), primary key (id)) partition by hash (id) partitions 3;
create table by_list (id int, r int not null, primary key (id, r)) partition by list (r) (partition p1 values in (1, 2), partition p2 values in (3));
create table by_key (id varchar(20) primary key, v int) partition by key (id) partitions 2;
create table gens (a int primary key, b int generated always as (a * 2) stored, c varchar(20) generated always as (concat('x', a)) virtual, d int default 7, unique key ub (b));
create table chars (c char(10), v varchar(10), ci varchar(10) collate utf8mb4_general_ci, tt tinytext, mt mediumtext, b1 binary(3), vb varbinary(3), tb tinyblob, mb mediumblob);
create table times (d date, t time(6), dt datetime(6), ts timestamp(6) null, y year);
create table nums (d decimal(65,0), e decimal(30,30), f float, db double, du double unsigned, nu numeric(5,2));
create table `a.b``c` (`select` int primary key comment 'emoji 😀 here', `列 名` varchar(10));
create table dated (d date not null, n int not null, v varchar(20), primary key (d, n));
create table rowids (k varchar(30) primary key, v int);
create view v1 as select a from ints; create view v2 as select v1.a, body.title from v1 left join body on body.id = v1.a; create view `v.3` as select * from v2 where title is null;
create table self (id int primary key, up int, other int, constraint fk_self foreign key (up) references self (id), constraint fk_other foreign key (other) references self (id));
";

/// The values at the edges of each type.
pub(crate) const WIDE_ROWS: &str = r"
set session sql_mode = 'NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ALLOW_INVALID_DATES';
set session foreign_key_checks = 0;
insert into ints values (-128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 5, true), (127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, 1234567, false);
insert into body values (1, 'one', 'some words'), (2, 'two', null), (3, '', '');
insert into by_hash values (1, 'a'), (2, 'b'), (3, 'c'), (4, null);
insert into by_list values (1, 1), (2, 3);
insert into by_key values ('x', 1), ('y', 2);
insert into gens (a) values (1), (2), (-5);
insert into chars values ('a  ', 'a  ', 'Ä', '', repeat('名', 100), 'a', 'a ', '', x'00'), ('', '', '', null, null, '', '', null, null);
insert into times values ('0000-00-00', '-838:59:59', '0000-00-00 00:00:00', '1970-01-01 08:00:01.000001', 1901), ('9999-12-31', '838:59:59', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', 2155), ('2024-02-29', '00:00:00.000001', '2024-02-29 12:00:00', null, 0);
insert into nums values (99999999999999999999999999999999999999999999999999999999999999999, 0.999999999999999999999999999999, 3.4e38, 1.7e308, 0, -999.99), (-1, -0.1, -1.5e-45, 5e-324, 1e-300, 0);
insert into `a.b``c` values (1, '😀');
insert into dated values ('2024-01-01', 1, 'x');
insert into self values (1, null, null), (2, 1, 1);
";

/// A table with 300 columns, and a row for it.
pub(crate) fn three_hundred_columns() -> String {
    let kinds = ["int", "varchar(20)", "datetime", "decimal(10,2)", "double"];
    let columns: Vec<String> = (0..299).map(|at| format!("`c {at}` {}", kinds[at % kinds.len()])).collect();
    let values: Vec<String> = (0..299).map(|at| if at % 7 == 0 { "null".to_owned() } else { format!("'20240{}01'", 1 + at % 9) }).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    format!("create table many_columns (id int primary key, {columns}); insert into many_columns values (1, {values});")
}

/// Fills a database.
pub(crate) async fn fill(server: &Server, database: &Database) {
    // seekdb sometimes takes triggers of one name, made at the same moment in two databases, for one.
    server.script(database, &COMMON.replace("TRIGGER", &format!("trig_{}", database.name))).await;
    if server.name == "mariadb" {
        server.script(database, MARIADB).await;
    }
    if server.name == "mysql" {
        server.script(database, MYSQL).await;
    }
}
