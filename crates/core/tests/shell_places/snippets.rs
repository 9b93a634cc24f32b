//! Ordinary scripts of people who run things: accepted as they are, or with the change that the diagnostic names.

use runbook_core::places::shell::{Form, Script, analyse};

/// Accepted as they are. `◊` is a value, `◈` is `{{sh …}}`, `◆` is `{{words …}}`.
pub(crate) const ACCEPTED: &[&str] = &[
    "set -euo pipefail\nmkdir -p /data/◊\nchown -R odc:odc \"/data/◊\"",
    "docker ps --filter name=◊ --format '{{.Names}}' | grep -qx ◊",
    "docker exec ◊ sh -c 'tail -n 100 /opt/odc/log/odc.log' | tee /tmp/odc.log",
    "docker inspect -f '{{.State.Running}}' ◊",
    "docker logs --since 10m ◊ 2>&1 | grep -i error || true",
    "docker exec -i ◊ cat < /etc/hosts",
    "docker run -d --name ◊ -p ◊:8989 -v /data:/data ◊",
    "if ! docker network inspect ◊ >/dev/null 2>&1; then\n  docker network create ◊\nfi",
    "for c in ◆; do\n  docker stop -t 30 \"$c\"\ndone",
    "curl -fsS --max-time 5 \"http://◊:8989/api/v1/info\" | jq -r .data.version",
    "code=$(curl -s -o /dev/null -w '%{http_code}' http://◊:◊/health)\n[ \"$code\" = 200 ]",
    "curl -sS -H \"Authorization: Bearer ◊\" -X POST --data '{\"a\": 1}' https://◊/api",
    "tar -czf \"/backup/odc-$(date +%Y%m%d-%H%M%S).tar.gz\" -C ◊ .",
    "tar xzf /backup/◊.tgz -C /data/◊",
    "find /backup/◊ -type f -mtime +◊ -name '*.gz' -delete",
    "find /var/log -name ◊ -exec gzip {} +",
    "used=$(df --output=pcent /data/◊ | tail -n 1 | tr -dc '0-9')\n[ \"$used\" -lt 90 ]",
    "df -h ◊ | awk 'NR == 2 { print $5 }'",
    "free -m | awk '/^Mem:/ { print $7 }' > /tmp/◊",
    "grep -c -- ◊ /var/log/messages || true",
    "grep -qF -- ◊ /etc/hosts || printf '%s %s\\n' ◊ ◊ >> /etc/hosts",
    "sed -n '1,10p' /etc/◊",
    "sed -i.bak 's/^port=.*/port=8989/' /etc/odc/◊",
    "systemctl is-active --quiet ◊ || systemctl start ◊",
    "systemctl restart -- ◊ && systemctl status --no-pager -- ◊ | head -n 20",
    "journalctl -u ◊ --since '10 min ago' --no-pager | tail -n 50",
    "sudo systemctl stop ◊",
    "sudo -u odc -- cp -a /opt/◊ /opt/◊.bak",
    "ssh -o BatchMode=yes odc@◊ 'systemctl is-active odc'",
    "ssh ◊ \"sudo systemctl stop ◈ && ls -l ◈\"",
    "ssh -p ◊ admin@◊ bash <<EOF\nset -eu\nmkdir -p ◈\nEOF",
    "scp -q -- ◊ admin@◊:/tmp/",
    "timeout 30 bash -c 'until nc -z \"$1\" \"$2\"; do sleep 1; done' _ ◊ ◊",
    "case ◊ in\n  4.2.*) new=yes ;;\n  4.1.*|4.0.*) new=no ;;\n  *) printf 'unknown\\n' >&2; exit 2 ;;\nesac\nprintf '%s\\n' \"$new\"",
    "if [[ ◊ == 4.* && -d /data/◊ ]]; then\n  cp -r /data/◊ /backup/\nfi",
    "if [[ ◊ =~ ^([0-9]+)\\.([0-9]+) ]]; then printf '%s\\n' \"${BASH_REMATCH[1]}\"; fi",
    "log() { printf '%s %s\\n' \"$(date -u +%FT%TZ)\" \"$*\" >&2; }\nlog \"upgrading to ◊\"\ncp -a -- ◊ /opt/odc",
    "retry() {\n  local n=0\n  until [ \"$n\" -ge 5 ]; do\n    curl -fsS \"$1\" && return 0\n    n=$((n + 1))\n    sleep 2\n  done\n  return 1\n}\nretry \"http://◊/health\"",
    "cat > /etc/odc/◊.conf <<EOF\nhost=◊\nport=◊\npassword=◊\nEOF",
    "cat <<-EOF > /tmp/x\n\tname: ◊\n\ttime: $(date)\n\tEOF",
    "tmp=$(mktemp -d)\ntrap 'rm -rf \"$tmp\"' EXIT\ncp -- ◊ \"$tmp/\"",
    "while read -r line; do\n  printf '%s\\n' \"${line%%#*}\"\ndone < ◊",
    "sha256sum -c - <<< \"◊  /tmp/image.tar\"",
    "[ \"$(sha256sum /tmp/x | cut -d' ' -f1)\" = ◊ ]",
    "images=(◊ ◊)\nfor i in \"${images[@]}\"; do docker pull -q \"$i\"; done",
    "for ((i = 1; i <= ◊; i++)); do ping -c 1 -W 1 -- ◊ && break; done",
    "end=$(( $(date +%s) + ◊ ))\nwhile [ \"$(date +%s)\" -lt \"$end\" ]; do sleep 1; done\nls ◊",
    "python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[\"version\"])' ◊",
    "docker inspect ◊ | jq --arg name ◊ '.[] | select(.Name == $name)'",
    "ip -o addr show | grep -wF -- ◊ > /dev/null",
    "ss -ltn | awk '{ print $4 }' | grep -q ':8989$' && kill -TERM ◊",
    "export MYSQL_PWD=◊\nmysqladmin -h ◊ -P ◊ -u ◊ ping",
    "mysqldump -h ◊ -u root --single-transaction ◊ | gzip > /backup/◊.sql.gz",
    "nohup java -jar /opt/odc.jar --server.port=◊ > /var/log/odc.log 2>&1 &",
    "ln -sfn -- /opt/odc-◊ /opt/odc\nreadlink /opt/odc",
    "version=$(cat /opt/VERSION 2>/dev/null || printf none)\n[ \"$version\" != ◊ ] || exit 0",
    "umask 027\ninstall -d -m 0750 -o odc -- ◊",
    "id -u ◊ >/dev/null 2>&1 || useradd -r -s /sbin/nologin -- ◊",
    "docker rm -f -- ◆ || true",
];

/// Refused; the same with the change that the diagnostic names is accepted.
const CHANGED: &[(&str, &str, &str)] = &[
    ("echo \"starting ◊\"", "write printf '%s\\n' {{…}}", "printf '%s\\n' \"starting ◊\""),
    ("sh -c \"ls ◊\"", "write `sh -c '… \"$1\"' _ {{…}}`", "sh -c 'ls \"$1\"' _ ◊"),
    ("bash -c \"rm -f ◊\"", "or `{{sh …}}` where the inner script is in no further quotes", "bash -c \"rm -f ◈\""),
    ("ssh h \"ls ◊\"", "write `{{sh …}}` for a word of the remote command", "ssh h \"ls ◈\""),
    ("ssh h \"grep '◈' f\"", "remove the quotes around `{{sh …}}`", "ssh h \"grep ◈ f\""),
    ("v=`cat ◊`", "write `$(…)`", "v=$(cat ◊)"),
    ("awk \"/◊/ { print }\" f", "and ENVIRON[\"NAME\"] in the program", "awk 'index($0, ENVIRON[\"NAME\"])' f"),
    ("jq \".[\\\"◊\\\"]\" f", "write `--arg name {{…}}` and $name in the program", "jq --arg name ◊ '.[$name]' f"),
    (
        "python3 -c \"print('◊')\"",
        "write it behind the program, which finds it in sys.argv",
        "python3 -c 'import sys; print(sys.argv[1])' ◊",
    ),
    ("mysql -e \"drop database ◊\"", "use `sql.execute` or `sql.query`", "true"),
    ("cat <<'EOF' > f\nhost=◊\nEOF", "write the delimiter without quotes", "cat <<EOF > f\nhost=◊\nEOF"),
    ("[ ◊ = a -o ◊ = b ]", "write one comparison for each `[ … ]`", "[ ◊ = a ] || [ ◊ = b ]"),
    ("ls ${◊}", "env = { NAME", "ls \"$NAME\""),
    ("x=${y:-◊}", "give it a variable first", "d=◊; x=${y:-$d}"),
    ("find ◊ -type f", "begin it with `./` or `/`", "find ./◊ -type f"),
    ("find /tmp -exec chown ◊ {} +", "glue it to other text", "find /tmp -exec chown ◊:root {} +"),
    ("eval \"x=◊\"", "write the commands out", "x=◊"),
    ("docker exec c sh -c \"ls ◊\"", "write `sh -c '… \"$1\"' _ {{…}}`", "docker exec c sh -c 'ls \"$1\"' _ ◊"),
    ("# for ◊\nls", "remove it", "ls"),
];

fn analysed(snippet: &str) -> Result<(), String> {
    let mut forms = Vec::new();
    for c in snippet.chars() {
        match c {
            '◊' => forms.push(Form::Value),
            '◈' => forms.push(Form::Sh),
            '◆' => forms.push(Form::Words),
            _ => {}
        }
    }
    let texts: Vec<&str> = snippet.split(['◊', '◈', '◆']).collect();
    let done = analyse(&Script { texts: &texts, forms: &forms, env: &[] });
    done.map(|_| ()).map_err(|faults| faults.iter().map(|f| format!("{}; help: {}", f.message, f.help)).collect::<Vec<_>>().join("\n"))
}

#[test]
fn ordinary_scripts_are_accepted() {
    assert!(ACCEPTED.len() >= 50);
    let refused: Vec<String> = ACCEPTED.iter().filter_map(|snippet| Some(format!("{snippet}\n    {}", analysed(snippet).err()?))).collect();
    assert!(refused.is_empty(), "{}", refused.join("\n\n"));
}

#[test]
fn the_others_are_accepted_with_the_change_that_is_named() {
    for (before, help, after) in CHANGED {
        let said = analysed(before).expect_err(before);
        assert!(said.contains(help), "{before}: {said}");
        assert_eq!(analysed(after), Ok(()), "{after}");
    }
}
